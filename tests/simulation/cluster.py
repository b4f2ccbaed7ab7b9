"""All five services on a bus that fails: two members each, a relay that leads, and whatever can come between."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.message import Message, Outgoing, Raw, Unreadable
from shared.engine.service import Service
from shared.engine.simulation import ManualClock
from shared.engine.store import Effects
from shared.engine.tracing import inherited
from tests.simulation.bus import Bus, Dice, Group, place_of
from tests.simulation.releases import buggy
from tests.simulation.steps import MOVES, Turn
from tests.simulation.store import OverlappingStore
from tests.simulation.watch import Broken, Watch
from tests.simulation.world import DAWN, Told

MEMBERS = 2
POLL_MAX = 6
RELAY_MAX = 8
ROUNDS_MAX = 200
SKEW_MAX_S = 600
PASS_MAX_S = 3600
REST_DAYS_MAX = 9
TICKS = 4
PATIENCE = timedelta(days=1)
RULES = Rules(PATIENCE)
UNREAD, UNREADABLE = "", "?"
"""In place of the type of a record that nobody has read yet, or that cannot be read."""
Work = Coroutine[Any, Any, list[Effects]]


@dataclass
class HeldUp:
    """Work that is held up before its commit, and what it had read."""

    work: Work
    member: int
    records: Sequence[Raw]


class Reader(Engine):
    """An engine that does not parse what another reader has parsed already: events are values."""

    def __init__(self, cluster: "Cluster", service: Service, store: OverlappingStore, member: int) -> None:
        super().__init__(
            service,
            store,
            clock=cluster.clock_of(service, member),
            rules=RULES,
            trace=lambda cause, _: inherited(cause),
        )
        self._kinds, self._readings, self._handled = cluster.kinds, cluster.readings, service.handled

    def _read(self, record: Raw) -> Message | Unreadable | None:
        place = record.topic, record.partition, record.offset
        kind = self._kinds.get(place, UNREAD)
        if kind not in (UNREAD, UNREADABLE) and kind not in self._handled:
            return None
        if place in self._readings and self._readings[place].type in self._handled:
            return self._readings[place]
        reading = super()._read(record)
        self._kinds[place] = UNREADABLE if isinstance(reading, Unreadable) else _type_of(record)
        if isinstance(reading, Message):
            self._readings[place] = reading
        return reading


@dataclass
class Running:
    """A service as it runs: its members share a store."""

    service: Service
    store: OverlappingStore
    group: Group
    engines: list[Reader] = field(default_factory=list)
    held_up: list[HeldUp] = field(default_factory=list)
    paused: list[tuple[int, Outgoing]] = field(default_factory=list)
    """What a leader that is paused had read of the outbox."""

    def outbox(self) -> list[tuple[int, Outgoing]]:
        """Return the rows of the outbox as a leader reads them: by id."""
        return sorted(self.store.unpublished.items())

    def release(self, service: Service) -> None:
        """Let both members go on with another release."""
        for engine in self.engines:
            engine._service = service

    def retry(self, *reasons: str) -> None:
        """Want letters tried again: those with these reasons, or all."""
        letters = [kept.letter for kept in self.store.letters.values()]
        self.store.retry(letter.id for letter in letters if not reasons or letter.reason in reasons)

    def kill(self, member: int) -> None:
        """Let a member die, and with it all that it had not committed."""
        for held in [held for held in self.held_up if held.member == member]:
            held.work.close()
            self.held_up.remove(held)
        self.group.forget(member)

    def can_poll(self) -> bool:
        """Say whether there is something to read."""
        return self.group.lags()

    def can_relay(self) -> bool:
        """Say whether there is something to publish."""
        return bool(self.store.unpublished)

    def held_members(self) -> set[int]:
        """Return the members that are held up."""
        return {held.member for held in self.held_up}


class Cluster:
    """The services, the bus, the clocks, and a watch that looks at everything that is committed."""

    def __init__(self, services: Sequence[Service], watch: Watch, *, like: "Cluster | None" = None) -> None:
        self.clock = ManualClock(DAWN)
        self.skews: dict[tuple[str, int], timedelta] = {}
        self.kinds: dict[tuple[str, int, int], str] = {}
        self.readings: dict[tuple[str, int, int], Message] = {}
        self.bus = Bus(sorted({topic for service in services for topic in service.topics}))
        self.watch, self._told = watch, list[Told]()
        self.all: list[Running] = []
        for service in services:
            store = OverlappingStore(service)
            running = Running(service, store, Group(self.bus, service.topics, MEMBERS))
            running.engines = [Reader(self, service, store, member) for member in range(MEMBERS)]
            self.all.append(running)
        for running, other in zip(self.all, like.all if like else (), strict=False):
            running.store.copy_from(other.store)
        watch.stores = {running.service.name: running.store for running in self.all}

    def clock_of(self, service: Service, member: int) -> Callable[[], datetime]:
        """Return the clock of a member, which may be wrong."""
        key = service.name, member
        self.skews[key] = timedelta(0)
        return lambda: self.clock.now + self.skews[key]

    def tell(self, told: Told) -> None:
        """Put on the bus what the world tells."""
        self.clock.move_to(DAWN + timedelta(seconds=told.at_s))
        self._told.append(told)
        self.watch.was_told(told)
        self._publish(told.record)

    def turn(self, turn: Turn) -> None:
        """Make a move: the service of the turn, or the next one that has something to do in it."""
        in_turn = [*self.all[turn.service :], *self.all[: turn.service]]
        is_busy = Running.can_poll if turn.move.startswith("poll") else Running.can_relay
        idle_too = not turn.move.startswith(("poll", "relay"))
        running = next((each for each in in_turn if idle_too or is_busy(each)), in_turn[0])
        getattr(self, MOVES[turn.move])(running, Dice(turn.roll))

    def settle(self) -> None:
        """Let everything go its way without a fault, until nothing is on its way any more."""
        for running in self.all:
            while running.held_up:
                self.go_on(running, Dice(0))
            self.relay_late(running, Dice(0))
        for _ in range(ROUNDS_MAX):
            if not self.pump():
                return
        raise Broken("comes-to-rest", f"after {ROUNDS_MAX} rounds something is still on its way")

    def pump(self, *_: object) -> bool:
        """Let every service read all there is and publish all it has; say whether there was anything."""
        moved = False
        for running in self.all:
            if records := running.group.poll_all(but=running.held_members()):
                moved = True
                self._finish(running, running.engines[0].process(records))
                running.group.commit(None, records)
            if rows := running.outbox():
                moved = True
                self._relay(running, rows)
        return moved

    def next_time(self) -> datetime | None:
        """Return when something falls due next."""
        times = [moment for running in self.all if (moment := running.store.next_time()) is not None]
        return min(times, default=None)

    def pass_days(self, days: int) -> None:
        """Let days pass, with everything at rest, and whatever falls due on the way."""
        self.settle()
        self.repair_all()
        for key in self.skews:
            self.skews[key] = timedelta(0)
        until = self.clock.now + timedelta(days=days)
        for _ in range(ROUNDS_MAX):
            due = self.next_time()
            if due is None or due > until:
                self.clock.move_to(until)
                return
            self.clock.move_to(due)
            self.tick_all()
        raise Broken("comes-to-rest", "deadlines without end")

    def tick_all(self) -> None:
        """Let leaders see to what has fallen due or need not wait: some waits for what waits itself."""
        for _ in range(TICKS):
            for running in self.all:
                self._finish(running, running.engines[0].tick())
            self.settle()
            if not any(running.store.parked for running in self.all):
                return

    def poll(self, running: Running, dice: Dice) -> None:
        """A member takes a batch into effect and commits its offsets."""
        if (polled := self._polled(running, dice)) is not None:
            member, records = polled
            self._finish(running, running.engines[member].process(records))
            running.group.commit(member, records)

    def die_before_commit(self, running: Running, dice: Dice) -> None:
        """A member dies with a batch in hand: the database never heard of it."""
        if (polled := self._polled(running, dice)) is not None:
            running.kill(polled[0])

    def die_after_commit(self, running: Running, dice: Dice) -> None:
        """A member dies when its batch is committed and its offsets are not."""
        if (polled := self._polled(running, dice)) is not None:
            member, records = polled
            self._finish(running, running.engines[member].process(records))
            running.kill(member)

    def fail_to_commit_offsets(self, running: Running, dice: Dice) -> None:
        """A member goes on although its offsets were not committed."""
        if (polled := self._polled(running, dice)) is not None:
            member, records = polled
            self._finish(running, running.engines[member].process(records))

    def poll_and_hold(self, running: Running, dice: Dice) -> None:
        """A member is held up before the commit."""
        if (polled := self._polled(running, dice)) is not None:
            member, records = polled
            self._hold(running, HeldUp(running.engines[member].process(records), member, records))

    def tick(self, running: Running, dice: Dice) -> None:
        """Whoever leads, or believes so, decides about what has fallen due."""
        self._finish(running, running.engines[dice.below(MEMBERS)].tick())

    def tick_and_hold(self, running: Running, dice: Dice) -> None:
        """The same, held up before the commit."""
        member = dice.below(MEMBERS)
        self._hold(running, HeldUp(running.engines[member].tick(), member, ()))

    def go_on(self, running: Running, dice: Dice) -> None:
        """Work that was held up goes on; where others got its partitions meanwhile, its offsets stay uncommitted."""
        if running.held_up:
            held = running.held_up.pop(dice.below(len(running.held_up)))
            self._finish(running, held.work)
            running.group.commit(held.member, held.records)

    def die_held_up(self, running: Running, dice: Dice) -> None:
        """A member dies that was held up."""
        if running.held_up:
            running.kill(running.held_up[dice.below(len(running.held_up))].member)

    def relay(self, running: Running, dice: Dice) -> None:
        """The leader publishes the oldest rows of the outbox and deletes them."""
        self._relay(running, self._oldest(running, dice))

    def relay_in_part(self, running: Running, dice: Dice) -> None:
        """Some partitions do not acknowledge: their rows stay, in front."""
        rows = self._oldest(running, dice)
        acknowledged = {place for place in {place_of(record): 0 for _, record in rows} if dice.below(2)}
        self._relay(running, [(row_id, record) for row_id, record in rows if place_of(record) in acknowledged])

    def relay_and_die(self, running: Running, dice: Dice) -> None:
        """The leader dies when its rows are published and not deleted; the next one publishes them again."""
        for row_id, record in self._oldest(running, dice):
            self._publish(record, row_id)

    def read_and_pause(self, running: Running, dice: Dice) -> None:
        """A leader is paused with rows in hand, and another one leads."""
        running.paused = self._oldest(running, dice)

    def relay_late(self, running: Running, dice: Dice) -> None:
        """A leader that was paused, and leads no more without knowing, publishes what it has in hand."""
        rows, running.paused = running.paused, []
        self._relay(running, rows)

    def rebalance(self, running: Running, dice: Dice) -> None:
        """Partitions go to other members."""
        running.group.rebalance(dice)

    def rewind(self, running: Running, dice: Dice) -> None:
        """Somebody has a partition read again."""
        running.group.rewind(dice)

    def rest(self, running: Running, dice: Dice) -> None:
        """Days pass."""
        self.pass_days(1 + dice.below(REST_DAYS_MAX))

    def set_wrong(self, running: Running, dice: Dice) -> None:
        """A member's clock jumps, forwards or backwards."""
        seconds = dice.below(2 * SKEW_MAX_S) - SKEW_MAX_S
        self.skews[running.service.name, dice.below(MEMBERS)] = timedelta(seconds=seconds)

    def let_pass(self, running: Running, dice: Dice) -> None:
        """Some minutes pass."""
        self.clock.move_to(self.clock.now + timedelta(seconds=dice.below(PASS_MAX_S)))

    def repeat(self, running: Running, dice: Dice) -> None:
        """A producer of the world publishes something once more."""
        if self._told:
            told = self._told[dice.below(len(self._told))]
            self.watch.was_told(told)
            self._publish(told.record)

    def release_bug(self, running: Running, dice: Dice) -> None:
        """A release comes in which some decisions fail."""
        running.release(buggy(running.service))

    def repair(self, running: Running, dice: Dice) -> None:
        """The bug is repaired, and a person wants its letters tried again."""
        running.release(running.service)
        running.retry("decision-failed", "behind-a-letter")

    def retry_all(self, running: Running, dice: Dice) -> None:
        """A person wants everything tried again, hopeless as it may be."""
        running.retry()

    def repair_all(self) -> None:
        """Let every bug be repaired, and everything that failed for it be decided."""
        for running in self.all:
            self.repair(running, Dice(0))
            self._finish(running, running.engines[0].tick())
        self.settle()

    def _polled(self, running: Running, dice: Dice) -> tuple[int, list[Raw]] | None:
        """Return a member that polled and what it got; None where nobody can: those held up have a batch."""
        held, first = running.held_members(), dice.below(MEMBERS)
        free = [member for member in (first, 1 - first) if member not in held and running.group.lags(member)]
        if not free:
            return None
        member = free[0]
        return member, running.group.poll(member, dice, limit=1 + dice.below(POLL_MAX))

    def _hold(self, running: Running, held: HeldUp) -> None:
        running.store.holding = True
        try:
            held.work.send(None)
        except StopIteration as done:
            self.watch.committed(running.service.name, done.value)
            running.group.commit(held.member, held.records)
        else:
            running.held_up.append(held)
        finally:
            running.store.holding = False

    def _finish(self, running: Running, work: Work) -> None:
        try:
            work.send(None)
        except StopIteration as done:
            self.watch.committed(running.service.name, done.value)
            return
        raise Broken("ends", "work was held up though nothing holds it")

    def _oldest(self, running: Running, dice: Dice) -> list[tuple[int, Outgoing]]:
        return running.outbox()[: 1 + dice.below(RELAY_MAX)]

    def _relay(self, running: Running, rows: Sequence[tuple[int, Outgoing]]) -> None:
        for row_id, record in rows:
            self._publish(record, row_id)
        for row_id, _ in rows:
            running.store.unpublished.pop(row_id, None)

    def _publish(self, record: Outgoing, row_id: int = 0) -> None:
        if row_id:
            self.watch.published(record)
        self.bus.publish(record, int(self.clock.now.timestamp() * 1000))


def _type_of(record: Raw) -> str:
    return next(((value or b"").decode() for name, value in record.headers if name == "ce_type"), "")
