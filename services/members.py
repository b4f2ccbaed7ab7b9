"""A service as it runs in a process: its member, a window into it, and its HTTP."""

import asyncio

from fastapi import APIRouter

from services.attribution import http as attribution
from services.fulfilment import http as fulfilment
from services.inventory import http as inventory
from services.order import http as order
from services.order.intake import Intake, intake_router
from services.registry import limits
from services.returns import http as returns
from shared.engine.member import Member
from shared.engine.service import Service
from shared.engine.tracing import Recording, tracing
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

    def __init__(self, service: Service, settings: Settings, *, bootstrap: str, postgres: str) -> None:
        self.name = service.name
        database = f"{postgres}/{settings.database(service.name)}"
        self._tracing = tracing(service.name, settings.otlp_endpoint)
        self._member = Member(
            service,
            database=database,
            bootstrap=bootstrap,
            prefix=settings.topic_prefix,
            limits=limits(settings),
            tracing=self._tracing,
        )
        self._window = Window(self._member, database)
        routers = [ROUTERS[service.name]]
        self._intake: Intake | None = None
        if service.name == "order":
            self._intake = Intake(bootstrap=bootstrap, prefix=settings.topic_prefix, token=settings.intake_token)
            routers.append(intake_router(self._intake))
        self.app = service_app(service.name, self._window, *routers)

    async def start(self) -> None:
        """Begin to consume, to publish and to read."""
        await self._window.open()
        await self._member.start()
        if self._intake is not None:
            await self._intake.start()

    async def stop(self) -> None:
        """Say that we are not ready any more, take nothing in, finish the batch in hand, and hand leadership over."""
        self._window.stopping = True
        if self._intake is not None:
            await self._intake.stop()
        await self._member.stop()
        await self._window.close()
        if isinstance(self._tracing, Recording):
            await asyncio.to_thread(self._tracing.close)
