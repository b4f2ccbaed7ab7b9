"""A service as it runs in a process: its member, a window into it, and its HTTP."""

from contextlib import AsyncExitStack

from fastapi import APIRouter

from services.attribution import http as attribution
from services.fulfilment import http as fulfilment
from services.inventory import http as inventory
from services.order import http as order
from services.order.intake import Intake, intake_router
from services.registry import new_member
from services.returns import http as returns
from shared.engine.engine import Clock
from shared.engine.member import Check, no_check
from shared.engine.service import Service
from shared.engine.window import Window
from shared.runtime.http import service_app
from shared.runtime.settings import Settings

ROUTERS: dict[str, APIRouter] = {
    "order": order.router,
    "inventory": inventory.router,
    "fulfilment": fulfilment.router,
    "returns": returns.router,
    "attribution": attribution.router,
}


class Served:
    """One member of a service, with its HTTP in front."""

    def __init__(
        self,
        service: Service,
        settings: Settings,
        *,
        bootstrap: str,
        postgres: str,
        clock: Clock | None = None,
        check: Check = no_check,
    ) -> None:
        self.name, self._running = service.name, AsyncExitStack()
        self._member = new_member(service, settings, bootstrap=bootstrap, postgres=postgres, clock=clock, check=check)
        self._window = Window(self._member, f"{postgres}/{settings.database(service.name)}")
        routers = [ROUTERS[service.name]]
        self._intake: Intake | None = None
        if service.name == "order":
            self._intake = Intake(bootstrap=bootstrap, prefix=settings.topic_prefix, token=settings.intake_token)
            routers.append(intake_router(self._intake))
        self.app = service_app(service.name, self._window, *routers)

    async def start(self) -> None:
        """Begin to read, to consume and to publish, as soon as the servers can be reached."""
        await self._window.open()
        self._running.push_async_callback(self._window.close)
        self._running.push_async_callback(self._member.stop)
        await self._member.start()
        if self._intake is not None:
            await self._intake.start()
            self._running.push_async_callback(self._intake.stop)

    async def stop(self) -> None:
        """Say that we are not ready any more, take nothing in, finish the batch in hand, and hand leadership over.

        What was not started yet is left out.
        """
        self._window.stopping = True
        await self._running.aclose()
