"""The engine of a service: what becomes of a batch, in one transaction. The same on PostgreSQL and in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.engine.deciding import WAKES_MAX, Deciding, Found, RowKey, Rules, Trace, Unloaded, first_keys, named_keys
from shared.engine.message import Due, Message, Raw, Unreadable, read
from shared.engine.rows import Key
from shared.engine.service import Service
from shared.engine.store import Claim, Conflict, DeadlineSet, Effects, Parked, Poison, Store, Transaction, Verdict, Wait
from shared.events.catalogue import CATALOGUE

Clock = Callable[[], datetime]
"""Gives the time, UTC."""
CONFLICTS_MAX = 10
"""How often a batch that met somebody else's change is decided again before the store is believed to refuse it."""
DUE_MAX = 500
"""Deadlines, and waits, looked at in one tick."""


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What of a batch is new, and what goes straight to the dead-letter topic."""

    messages: tuple[Message, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """What one transaction is about."""

    readings: Sequence[Message | Unreadable] = ()
    deadlines: Sequence[DeadlineSet] = ()
    waits: Sequence[Wait] = ()
    wakes_max: int = WAKES_MAX
    refused: str = ""
    """Why the store refused it before: it is set aside, then."""


class Engine:
    """Decides about records, deadlines and parked messages of one service."""

    def __init__(self, service: Service, store: Store, *, clock: Clock, rules: Rules, trace: Trace) -> None:
        self._service, self._store, self._clock, self._rules, self._trace = service, store, clock, rules, trace

    async def process(self, records: Sequence[Raw]) -> list[Effects]:
        """Take records into effect, each exactly once, in their order.

        What only the store finds to be wrong is narrowed down by halves, until it stands alone and is set aside.
        Raises whatever the store raises when it is out of reach: nothing has happened then.
        """
        readings = [self._read(record) for record in records]
        done = await self._process([reading for reading in readings if reading is not None])
        return done + await self._wake(wait for effects in done for wait in effects.unheeded)

    async def tick(self) -> list[Effects]:
        """Decide about the deadlines that have passed, and about parked messages that need not wait any longer."""
        now = self._clock()
        done: list[Effects] = []
        if deadlines := await self._store.due(now, DUE_MAX):
            done += await self._expire(deadlines)
        if waits := await self._store.restless(now, DUE_MAX):
            done += await self._wake(waits)
        return done

    async def _expire(self, deadlines: Sequence[DeadlineSet]) -> list[Effects]:
        """Decide about deadlines together; one that the store refuses is narrowed down, and tried again later."""
        try:
            return [await self._transact(_Work(deadlines=deadlines))]
        except Poison as poison:
            if len(deadlines) == 1:
                return [await self._transact(_Work(deadlines=deadlines, refused=str(poison)))]
            half = len(deadlines) // 2
            return await self._expire(deadlines[:half]) + await self._expire(deadlines[half:])

    async def _wake(self, waits: Iterable[Wait]) -> list[Effects]:
        """Decide about all messages that wait in vain, some in each transaction."""
        done: list[Effects] = []
        left = list(dict.fromkeys(waits))
        while left:
            woken = await self._wake_some(left, WAKES_MAX)
            left = list(dict.fromkeys(wait for effects in woken for wait in effects.unheeded))
            done += woken
        return done

    async def _wake_some(self, waits: Sequence[Wait], wakes_max: int) -> list[Effects]:
        """Decide about parked messages together; one that the store refuses is narrowed down, and set aside."""
        try:
            return [await self._transact(_Work(waits=waits, wakes_max=wakes_max))]
        except Poison as poison:
            if len(waits) > 1:
                half = len(waits) // 2
                return await self._wake_some(waits[:half], wakes_max) + await self._wake_some(waits[half:], wakes_max)
            if wakes_max > 1:
                return await self._wake_some(waits, wakes_max // 2)
            return [await self._transact(_Work(waits=waits, wakes_max=1, refused=str(poison)))]

    def _read(self, record: Raw) -> Message | Unreadable | None:
        return read(record, handled=self._service.handled, known=CATALOGUE)

    async def _process(self, readings: Sequence[Message | Unreadable]) -> list[Effects]:
        if not readings:
            return []
        try:
            return [await self._transact(_Work(readings))]
        except Poison:
            if len(readings) == 1:
                return [await self._process_alone(readings[0])]
            half = len(readings) // 2
            return await self._process(readings[:half]) + await self._process(readings[half:])

    async def _process_alone(self, reading: Message | Unreadable) -> Effects:
        """Decide about a message without waking those that wait for it, since one of them may be what is refused."""
        try:
            return await self._transact(_Work([reading], wakes_max=0))
        except Poison as poison:
            if isinstance(reading, Unreadable):
                raise
            return await self._transact(_Work([Unreadable(reading.raw, "refused-by-database", str(poison))]))

    async def _transact(self, work: _Work) -> Effects:
        """Decide and save in one transaction; decisions that ask for unforeseen rows are made again with them."""
        unforeseen: set[RowKey] = set()
        conflicts = 0
        while True:
            try:
                async with self._store.begin() as transaction:
                    return await self._attempt(transaction, work, unforeseen)
            except Conflict as conflict:
                conflicts += 1
                if conflicts > CONFLICTS_MAX:
                    raise Poison(str(conflict)) from conflict
            except Unloaded as missing:
                if missing.rows <= unforeseen:
                    raise
                unforeseen |= missing.rows

    async def _attempt(self, transaction: Transaction, work: _Work, unforeseen: Iterable[RowKey]) -> Effects:
        fresh = await self._claim(transaction, work.readings)
        messages = [*fresh.messages, *map(self._message_of, work.deadlines)]
        parked = await self._waiting(transaction, messages, work.waits)
        found = await self._load(transaction, [*messages, *(each.message for each in parked)], parked, unforeseen)
        taken = await transaction.take(work.deadlines) if work.deadlines else set()
        deciding = Deciding(
            self._service,
            self._rules,
            now=self._clock(),
            found=found,
            parked=parked,
            trace=self._trace,
            wakes_max=work.wakes_max,
            refused=work.refused,
        )
        for unreadable in fresh.unreadable:
            deciding.set_aside_unreadable(unreadable)
        for message in messages:
            if not isinstance(message.event, Due) or (message.event.name, message.event.key) in taken:
                deciding.answer(message)
        if work.waits:
            deciding.wake()
            deciding.give_up()
        effects = deciding.finish()
        effects.repeated = fresh.repeated
        await transaction.save(effects)
        return effects

    async def _claim(self, transaction: Transaction, readings: Sequence[Message | Unreadable]) -> _Fresh:
        """Keep what the inbox has not seen, in order; the same id with another body is set aside as `id-reused`."""
        if not readings:
            return _Fresh()
        firsts: dict[tuple[str, str], Claim] = {}
        for reading in readings:
            claim = _claim_of(reading)
            firsts.setdefault((claim.source, claim.id), claim)
        verdicts = dict(zip(firsts, await transaction.claim(list(firsts.values())), strict=True))
        messages: list[Message] = []
        unreadable: list[Unreadable] = []
        reused: list[Unreadable] = []
        repeated = 0
        for reading in readings:
            claim = _claim_of(reading)
            identity = claim.source, claim.id
            verdict = verdicts[identity]
            if verdict is Verdict.FRESH:
                verdicts[identity] = Verdict.REPEATED
                if isinstance(reading, Message):
                    messages.append(reading)
                else:
                    unreadable.append(reading)
            elif verdict is Verdict.REUSED or claim.digest != firsts[identity].digest:
                detail = f"id {claim.id} of {claim.source} came with another body before"
                reused.append(Unreadable(reading.raw, "id-reused", detail))
            else:
                repeated += 1
        if reused:
            positions = await transaction.claim([Claim(*each.raw.position, 0) for each in reused])
            unreadable += [each for each, verdict in zip(reused, positions, strict=True) if verdict is Verdict.FRESH]
        return _Fresh(tuple(messages), tuple(unreadable), repeated)

    async def _waiting(
        self, transaction: Transaction, messages: Sequence[Message], waits: Sequence[Wait]
    ) -> list[Parked]:
        keys = {
            Wait(kind, key)
            for message in messages
            for kind, key in first_keys(self._service.by_trigger[message.type], message.event)
            if isinstance(key, str)
        }
        streams = {message.stream for message in messages}
        return await transaction.waiting(keys | set(waits), streams, WAKES_MAX)

    async def _load(
        self,
        transaction: Transaction,
        messages: Sequence[Message],
        parked: Sequence[Parked],
        unforeseen: Iterable[RowKey],
    ) -> Found:
        """Load every row that the messages name, table by table in the service's order."""
        wanted: dict[type, dict[Key, None]] = {rows.kind: {} for rows in self._service.rows if not rows.append_only}
        asked = [(self._service.by_trigger[message.type], message.event) for message in messages]
        for handler, event in asked:
            for kind, key in first_keys(handler, event):
                wanted[kind][key] = None
        for kind, key in [*unforeseen, *((each.wait.kind, each.wait.key) for each in parked)]:
            wanted[kind][key] = None
        found: dict[type, dict[Key, object]] = {}
        for kind, keys in wanted.items():
            for handler, event in asked:
                keys.update(dict.fromkeys(named_keys(handler, event, kind, found)))
            rows = await transaction.load(self._service.rows_of[kind], keys) if keys else {}
            found[kind] = {key: rows.get(key) for key in keys}
        return found

    def _message_of(self, deadline: DeadlineSet) -> Message:
        """Present a deadline as a message: its id is derived from who set it, its time is when it is due."""
        return Message(
            source=self._service.source,
            id=deadline.message_id,
            type=f"deadline:{deadline.name}",
            time=deadline.due_at,
            traceparent=deadline.traceparent,
            event=Due(deadline.name, deadline.key),
            digest=0,
            raw=Raw(f"deadline:{deadline.name}", 0, 0, 0, None, None, ()),
        )


def _claim_of(reading: Message | Unreadable) -> Claim:
    """A message is claimed by its id; what has no readable id, by where it lies."""
    if isinstance(reading, Message):
        return Claim(reading.source, reading.id, reading.digest)
    return Claim(*reading.raw.position, 0)
