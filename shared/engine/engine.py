"""The engine of a service: what becomes of a batch, in one transaction. The same on PostgreSQL and in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.engine.deciding import Deciding, Found, Rules, Trace, Unloaded, first_keys, named_keys
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
        return await self._process([reading for reading in readings if reading is not None])

    async def tick(self) -> list[Effects]:
        """Decide about the deadlines that have passed, and about parked messages that need not wait any longer."""
        now = self._clock()
        done: list[Effects] = []
        if deadlines := await self._store.due(now, DUE_MAX):
            done += await self._expire(deadlines)
        if waits := await self._store.restless(now, DUE_MAX):
            done.append(await self._transact(waits=waits))
        return done

    async def _expire(self, deadlines: Sequence[DeadlineSet]) -> list[Effects]:
        """Decide about deadlines together; where the store refuses, about each alone, so that one holds up no other."""
        try:
            return [await self._transact(deadlines=deadlines)]
        except Poison:
            if len(deadlines) == 1:
                return [Effects(dead=["deadline-refused-by-database"])]
            return [effects for deadline in deadlines for effects in await self._expire([deadline])]

    def _read(self, record: Raw) -> Message | Unreadable | None:
        return read(record, handled=self._service.handled, known=CATALOGUE)

    async def _process(self, readings: Sequence[Message | Unreadable]) -> list[Effects]:
        if not readings:
            return []
        try:
            return [await self._transact(readings)]
        except Poison as poison:
            if len(readings) > 1:
                half = len(readings) // 2
                return await self._process(readings[:half]) + await self._process(readings[half:])
            if isinstance(readings[0], Unreadable):
                raise
            return [await self._transact([Unreadable(readings[0].raw, "refused-by-database", str(poison))])]

    async def _transact(
        self,
        readings: Sequence[Message | Unreadable] = (),
        deadlines: Sequence[DeadlineSet] = (),
        waits: Sequence[Wait] = (),
    ) -> Effects:
        """Decide and save in one transaction; a decision that asks for an unforeseen row is made again with it."""
        unforeseen: set[tuple[type, Key]] = set()
        conflicts = 0
        while True:
            try:
                async with self._store.begin() as transaction:
                    return await self._attempt(transaction, readings, deadlines, waits, unforeseen)
            except Conflict as conflict:
                conflicts += 1
                if conflicts > CONFLICTS_MAX:
                    raise Poison(str(conflict)) from conflict
            except Unloaded as missing:
                if (missing.kind, missing.key) in unforeseen:
                    raise
                unforeseen.add((missing.kind, missing.key))

    async def _attempt(
        self,
        transaction: Transaction,
        readings: Sequence[Message | Unreadable],
        deadlines: Sequence[DeadlineSet],
        waits: Sequence[Wait],
        unforeseen: Iterable[tuple[type, Key]],
    ) -> Effects:
        fresh = await self._claim(transaction, readings)
        messages = [*fresh.messages, *map(self._message_of, deadlines)]
        parked = await self._waiting(transaction, messages, waits)
        found = await self._load(transaction, [*messages, *(each.message for each in parked)], parked, unforeseen)
        taken = await transaction.take(deadlines) if deadlines else set()
        deciding = Deciding(
            self._service, self._rules, now=self._clock(), found=found, parked=parked, trace=self._trace
        )
        for unreadable in fresh.unreadable:
            deciding.set_aside_unreadable(unreadable)
        for message in messages:
            if not isinstance(message.event, Due) or (message.event.name, message.event.key) in taken:
                deciding.answer(message)
        if waits:
            deciding.wake()
            deciding.give_up()
        deciding.effects.repeated = fresh.repeated
        await transaction.save(deciding.effects)
        return deciding.effects

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
        return await transaction.waiting(keys | set(waits), streams)

    async def _load(
        self,
        transaction: Transaction,
        messages: Sequence[Message],
        parked: Sequence[Parked],
        unforeseen: Iterable[tuple[type, Key]],
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
        """Present a deadline as a message: its id is derived from who set it, its time is when it fell due."""
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
