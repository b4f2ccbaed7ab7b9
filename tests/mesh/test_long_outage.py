"""Kafka, then PostgreSQL, goes away under load: services wait and say so once, go on, and the books come out right.

They stay away for AWAY_S seconds, 3 unless it is set. It prints what it saw; `docs/operate.md` has a run.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from services.members import Served
from services.mesh import Mesh, running
from services.registry import NAMES, all_services
from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.postgres import EmbeddedPostgres
from tests.logged import Lines
from tests.mesh.load import Phase, phases
from tests.mesh.place import NOON, Place, eventually, tekil_place
from tests.mesh.quiet import see_what_a_quiet_run_leaves

AWAY_S = float(os.environ.get("AWAY_S", "3"))
PATIENCE_S = 60.0
SETTLE_S = 120.0


class Services:
    """All five, in this process, each with its HTTP."""

    def __init__(self, place: Place) -> None:
        self._served = [
            Served(service, place.settings, bootstrap=place.bootstrap, postgres=place.postgres, clock=lambda: NOON)
            for service in all_services(place.settings)
        ]

    async def ready(self) -> list[bool]:
        """Which of them say that they are ready."""
        return list(await asyncio.gather(*(self._is_ready(each) for each in self._served)))

    async def _is_ready(self, served: Served) -> bool:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served.app), base_url="http://tekil") as client:
            return (await client.get("/readyz")).status_code == 200

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stopping:
            for each in self._served:
                stopping.push_async_callback(each.stop)
            await asyncio.gather(*(each.start() for each in self._served))
            yield


async def settle(place: Place) -> None:
    """Wait until nothing is on its way, with clients that were not there while a server was away."""
    async with running(Mesh(place.settings, bootstrap=place.bootstrap, postgres=place.postgres, members=0)) as watch:
        await watch.settle(SETTLE_S)


async def go_through(
    services: Services, server: ApacheKafka | EmbeddedPostgres, name: str, phase: Phase, place: Place, lines: Lines
) -> None:
    """Let a server be killed while a phase of the load is worked on, and come back."""
    await place.publish(*phase)
    mark, began = len(lines.getvalue()), time.monotonic()
    await asyncio.to_thread(server.crash)
    await eventually(services.ready, [False] * len(NAMES), PATIENCE_S)
    noticed_s = time.monotonic() - began
    await asyncio.sleep(max(0.0, AWAY_S - noticed_s))
    away = lines.since(mark)
    await asyncio.to_thread(server.start)
    began = time.monotonic()
    await eventually(services.ready, [True] * len(NAMES), PATIENCE_S)
    ready_s = time.monotonic() - began
    await settle(place)
    settled_s = time.monotonic() - began
    by_logger = dict(Counter(line["logger"] for line in away))
    print(f"\n{name}: all five not ready after {noticed_s:.1f} s, {len(away)} lines meanwhile: {by_logger}")  # noqa: T201
    print(f"{name}: back, all ready after {ready_s:.1f} s, caught up after {settled_s:.1f} s")  # noqa: T201
    waiting = Counter((line["service"], line["part"]) for line in away if line["message"] == "waiting")
    assert {service for service, _ in waiting} == set(NAMES)
    assert set(waiting.values()) == {1}, "each part says it once"
    assert [line for line in away if line["message"] == "going on"] == []


async def test_services_come_through_outages_with_their_books_right(
    own_kafka: ApacheKafka, own_postgres: EmbeddedPostgres, topic_prefix: str, lines: Lines
) -> None:
    place = await tekil_place(own_kafka.bootstrap, own_postgres.url, topic_prefix)
    services = Services(place)
    described, placed, worked, handed, late = phases()
    async with services.running():
        await place.publish(*described)
        await settle(place)
        await go_through(services, own_kafka, "Kafka", placed, place, lines)
        await go_through(services, own_postgres, "PostgreSQL", worked, place, lines)
        for phase in (handed, late):
            await place.publish(*phase)
            await settle(place)

    await see_what_a_quiet_run_leaves(place)
