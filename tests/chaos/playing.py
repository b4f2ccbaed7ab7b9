"""Playing a round: a place of its own, members and publishers, faults in two lanes, rest, deadlines, verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from services.mesh import Mesh, NotSettled
from shared.engine.postgres import PostgresStore
from tests.chaos.crew import Crew, Misbehaved, Nursery, Publisher
from tests.chaos.faults import FAULTS, Scene
from tests.chaos.load import NOON, services
from tests.chaos.schedule import Fault, Plan
from tests.chaos.servers import Servers
from tests.chaos.verdict import Volume, judge
from tests.mesh.place import Place, tekil_place
from tests.simulation.play import END_DAYS
from tests.simulation.watch import Broken

ROUND_TIMEOUT_S = 300.0
"""A round that takes longer has failed; it ends all the same."""
SETTLE_TIMEOUT_S = 120.0
LOOK_S = 0.1
DEADLINES_MAX = 200


@dataclass(frozen=True, slots=True)
class Applied:
    """A fault as it happened: seconds since the doors opened, and to whom."""

    kind: str
    began_s: float
    ended_s: float
    whom: str


@dataclass
class Report:
    """What became of a round. `wrong` is empty where all is well."""

    seed: int
    groups: Sequence[Sequence[str]]
    applied: list[Applied] = field(default_factory=list)
    volume: Volume | None = None
    counted: Mapping[str, int] = field(default_factory=dict)
    """What members counted, those that died included."""
    took_s: float = 0.0
    wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class Round:
    """A round to be played: what happens, on what, and what hears how it goes. It logs into `folder`."""

    plan: Plan
    servers: Servers
    nursery: Nursery
    folder: Path
    bug: str = ""
    tell: Callable[[str], None] = lambda _: None

    async def play(self) -> Report:
        """Play it. What is wrong with Tekil is reported; what is wrong with this machine is raised."""
        report, began = Report(self.plan.seed, self.plan.groups), time.monotonic()
        try:
            async with asyncio.timeout(ROUND_TIMEOUT_S), self._placed() as place:
                await self._play(place, report)
                self.tell("judging")
                report.volume = await judge(place, self.plan.seed)
        except (Broken, Misbehaved, NotSettled) as wrong:
            report.wrong = f"{type(wrong).__name__}: {wrong}"
        except TimeoutError as wrong:
            report.wrong = str(wrong) or f"not done after {ROUND_TIMEOUT_S:g} s"
        report.took_s = time.monotonic() - began
        return report

    async def _play(self, place: Place, report: Report) -> None:
        proxied = replace(place, databases={name: self.servers.proxied(url) for name, url in place.databases.items()})
        crew = Crew(self.plan, proxied, self.nursery, self.folder, bug=self.bug)
        opening, *publishers = (
            Publisher(part, self.plan, proxied, self.nursery, self.folder) for part in ("beginning", "web", "stores")
        )
        try:
            await crew.hire_all()
            self.tell("the world is described")
            await opening.start(time.time())
            await opening.done()
            await _come_to_rest(place, NOON)
            await self._open_the_doors(Scene(self.servers, place, crew, publishers), report)
            self.tell("coming to rest")
            await _come_to_rest(place, NOON)
            self.tell("deadlines pass")
            await _pass_deadlines(place, crew)
            await crew.see_that_all_live()
        finally:
            self.servers.to_kafka.heal()
            self.servers.to_postgres.heal()
            await crew.kill_all()
            report.counted = crew.counted()

    @asynccontextmanager
    async def _placed(self) -> AsyncIterator[Place]:
        """Make databases and topics of its own; after a round that is well, the databases go."""
        prefix = f"round{self.plan.seed}x{time.time_ns() % 10**6}."
        making = tekil_place(self.servers.bootstrap, self.servers.postgres.url, prefix)
        # In a thread, since making topics blocks, and the proxy that it goes through is ours.
        place = await asyncio.to_thread(asyncio.run, making)
        yield place
        connection = await asyncpg.connect(f"{place.postgres}/postgres")
        for url in place.databases.values():
            await connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")
        await connection.close()

    async def _open_the_doors(self, scene: Scene, report: Report) -> None:
        """Let the world tell all it has to, while faults come and go."""
        began = time.time()
        for publisher in scene.publishers:
            await publisher.start(began)
        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in self.plan.lanes:
                    lanes.create_task(self._lane(lane, scene, began, report))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        for publisher in scene.publishers:
            await publisher.done()

    async def _lane(self, lane: Sequence[Fault], scene: Scene, began: float, report: Report) -> None:
        for fault in lane:
            await asyncio.sleep(fault.after_s)
            since = time.time() - began
            self.tell(fault.kind)
            whom = await FAULTS[fault.kind](scene, fault)
            report.applied.append(Applied(fault.kind, since, time.time() - began, whom))


async def _come_to_rest(place: Place, now: datetime) -> None:
    """Wait until nothing is on its way, and nothing waits that could be decided. Raises NotSettled.

    What is decided leaves the deadlines and enters the outbox in one step, so deadlines are looked at first.
    """
    async with AsyncExitStack() as stack:
        mesh = Mesh(place.settings, bootstrap=place.bootstrap, postgres=place.postgres, members=0)
        await mesh.start()
        stack.push_async_callback(mesh.stop)
        stores = []
        for service in services():
            pool = await asyncpg.create_pool(place.databases[service.name], min_size=0, max_size=1)
            stores.append(PostgresStore(service, await stack.enter_async_context(pool)))
        settled = False
        while not settled:
            while await _due(stores, now):  # noqa: ASYNC110 - other processes see to it
                await asyncio.sleep(LOOK_S)
            await mesh.settle(SETTLE_TIMEOUT_S)
            settled = not await _due(stores, now)


async def _due(stores: Sequence[PostgresStore], now: datetime) -> bool:
    return any([await store.due(now, 1) or await store.restless(now, 1) for store in stores])


async def _pass_deadlines(place: Place, crew: Crew) -> None:
    """Move everybody's clock from one deadline to the next, until the end of all."""
    until = NOON + timedelta(days=END_DAYS)
    for _ in range(DEADLINES_MAX):
        query = "SELECT least((SELECT min(due_at) FROM deadlines), (SELECT min(until) FROM parked))"
        times = [await place.value(name, query) for name in place.databases]
        due = min((moment for moment in times if moment is not None), default=None)
        if due is None or due > until:
            return
        crew.clock.move_to(due)
        await _come_to_rest(place, due)
    raise NotSettled("deadlines without end")
