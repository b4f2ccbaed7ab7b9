"""Playing the data set to a running mesh, and keeping account of what it makes of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from services.mesh import Mesh
from services.replay.dataset import read_baskets, read_own_stores, read_products
from services.replay.habits import Chance, Habits
from services.replay.hearing import hear
from services.replay.ledger import Fate, Ledger
from services.replay.plan import Day, plan
from services.replay.purchase import World
from services.replay.said import Said
from services.replay.staff import People
from services.replay.wire import Wire
from shared.runtime.topics import load

PROGRESS_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to replay."""

    baskets: int | None = 2_000
    """How many of the year's baskets, from its start; None for all."""
    seed: int = 1
    habits: Habits = field(default_factory=Habits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a replay has come."""

    day: str
    baskets_read: int
    orders_sent: int
    orders_settled: int
    elapsed_s: float

    @property
    def orders_per_s(self) -> float:
        """Orders that nothing more will happen to, per second since the start."""
        return self.orders_settled / self.elapsed_s if self.elapsed_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was replayed and what became of it, as the replay itself counted."""

    options: Options
    baskets_read: int
    orders_sent: int
    line_fates: Mapping[Fate, int]
    """Sum to the lines that were read."""
    order_fates: Mapping[Fate, int]
    """Sum to the orders that were sent."""
    refusals: Mapping[tuple[str, str], int]
    """By event type and reason."""
    dead_letters: Mapping[str, int]
    """By reason."""
    records: int
    """Records on the bus, those of the services included."""
    elapsed_s: float


class Replay:
    """One run: the world speaks day by day, and its people answer what Tekil publishes."""

    def __init__(self, mesh: Mesh, options: Options, progress: Callable[[Progress], None]) -> None:
        chance = Chance(options.seed)
        self._mesh, self._options, self._progress = mesh, options, progress
        self._people, self._ledger, self._wire = People(chance, options.habits), Ledger(), Wire(mesh)
        self._world = World(chance, options.habits, read_own_stores())
        self._days = plan(read_baskets(options.baskets), self._world, read_products())
        self._day, self._began_s = "", 0.0

    async def run(self) -> Played:
        """Play everything and wait until it has settled. Raises NotHeeded and NotSettled."""
        topics = [topic.name for topic in load().all_topics()]
        before = sum((await self._mesh.ends(topics)).values())
        self._began_s = time.perf_counter()
        await self._wire.open()
        try:
            await _first_of(self._perform(), self._listen(), self._tell_progress())
        finally:
            await self._wire.close()
        elapsed_s = self._elapsed_s
        self._progress(self._now())
        ledger = self._ledger
        return Played(
            options=self._options,
            baskets_read=ledger.baskets_read,
            orders_sent=ledger.orders_sent,
            line_fates=ledger.line_fates(),
            order_fates=ledger.order_fates(),
            refusals=ledger.refusals,
            dead_letters=ledger.dead_letters,
            records=sum((await self._mesh.ends(topics)).values()) - before,
            elapsed_s=elapsed_s,
        )

    async def _perform(self) -> None:
        """Say day by day what is described and delivered, and what is bought once that has taken effect.

        A day is prepared before the one before it begins, so that nobody waits for deliveries.
        """
        tomorrow = await self._prepare()
        while tomorrow is not None:
            (today, said), tomorrow = tomorrow, await self._prepare()
            await self._wire.heeded(said)
            self._day = today.date.isoformat()
            await self._wire.say(self._business(today))
        await self._settle()

    async def _prepare(self) -> tuple[Day, Mapping[TopicPartition, int]] | None:
        """Plan a day beside the event loop, say what must be known before it, and return where that was said."""
        day = await asyncio.to_thread(next, self._days, None)
        return None if day is None else (day, await self._wire.say((*day.described, *day.delivered)))

    def _business(self, day: Day) -> Iterator[Said]:
        """Yield what is bought on a day, each taken into account as it is said."""
        for basket in day.not_sold:
            self._ledger.read(basket)
        for each in day.purchases:
            self._ledger.read(each.basket)
            self._ledger.sent(each)
            yield each.said

    async def _settle(self) -> None:
        """Wait until nothing is on its way, in Tekil or to the people who answer it."""
        said = -1
        while said != self._wire.records_said or not await self._wire.nothing_unheard():
            said = self._wire.records_said
            await self._mesh.settle()

    async def _listen(self) -> None:
        while True:
            await self._wire.hear(self._take)

    async def _take(self, records: Sequence[Any]) -> None:
        """Take what was heard into account, and say what people answer."""
        if answers := hear(records, self._people, self._ledger):
            await self._wire.say_at_once(answers)

    async def _tell_progress(self) -> None:
        while True:
            self._progress(self._now())
            await asyncio.sleep(PROGRESS_INTERVAL_S)

    def _now(self) -> Progress:
        ledger = self._ledger
        return Progress(
            day=self._day,
            baskets_read=ledger.baskets_read,
            orders_sent=ledger.orders_sent,
            orders_settled=ledger.settled,
            elapsed_s=self._elapsed_s,
        )

    @property
    def _elapsed_s(self) -> float:
        return time.perf_counter() - self._began_s


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run these until the first ends, which is to be the first of them, or one fails; then end the others."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
