"""The engine of a service: what becomes of a batch, in one transaction. The same on PostgreSQL and in memory."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from shared.engine.deciding import (
    WAKES_MAX,
    Deciding,
    Found,
    RowKey,
    Rules,
    Trace,
    Unloaded,
    first_keys,
    named_keys,
)
from shared.engine.letters import Letter, Outcome, letter_id
from shared.engine.message import Due, Message, Raw, Unreadable, read
from shared.engine.rows import Key
from shared.engine.service import Service
from shared.engine.store import (
    Claim,
    Conflict,
    DeadlineSet,
    Effects,
    Held,
    Parked,
    Poison,
    Store,
    Transaction,
    Verdict,
    Wait,
)
from shared.engine.work import Work, as_refused, reason_of
from shared.events.catalogue import CATALOGUE
from shared.kernel.value import Value, replace

Clock = Callable[[], datetime]
"""Gives the time, UTC."""
BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, Unloaded, ValueError)
"""What our own code raises where it is wrong about a message. A server that is away raises none of them."""
CONFLICTS_MAX = 10
"""How often a batch that met somebody else's change is decided again before the store is believed to refuse it."""
DUE_MAX = 500
"""Deadlines, letters and waits, looked at in one tick."""


class _Fresh(Value):
    """What of a transaction's work is new, and what is set aside unread."""

    messages: Sequence[Message] = ()
    unreadable: Sequence[Unreadable] = ()
    repeated: int = 0
    letters: Sequence[Letter] = ()
    """Those that are retried."""
    closed: Mapping[str, Outcome] = {}
    """What became of letters about which nothing is to be decided."""


class _Outset(Value):
    """What a transaction begins with: what it decides about, on which rows, and what stands in the way."""

    fresh: _Fresh
    found: Found
    parked: Sequence[Parked] = ()
    """Those that wait for these rows, or in these streams, or for too long."""
    lost: Mapping[int, Unreadable | None] = {}
    """Parked messages that this release does not read any more, by their ids."""
    held: Iterable[Held] = ()
    """What letters hold of the streams of all these messages."""


class Engine:
    """Decides about records, deadlines, letters and parked messages of one service."""

    def __init__(self, service: Service, store: Store, *, clock: Clock, rules: Rules, trace: Trace) -> None:
        self._service, self._store, self._clock, self._rules, self._trace = service, store, clock, rules, trace

    async def process(self, records: Sequence[Raw]) -> list[Effects]:
        """Take records into effect, each exactly once, in their order.

        What only the store finds to be wrong, or what our own code fails on, is narrowed down by halves, until it
        stands alone and is set aside.
        Raises whatever the store raises when it is out of reach: nothing has happened then.
        """
        readings = [self._read(record) for record in records]
        return await self._carry_out(Work([reading for reading in readings if reading is not None]))

    async def tick(self) -> list[Effects]:
        """Decide about deadlines that have passed, letters to be retried, and messages that need wait no longer."""
        now = self._clock()
        done: list[Effects] = []
        failed: list[Exception] = []
        for look in (self._what_is_due, self._what_is_retried, self._what_need_not_wait):
            try:
                done += await self._carry_out(await look(now))
            except Exception as error:
                # What one of them meets must not keep the others from their work.
                failed.append(error)
        if failed:
            raise failed[0]
        return done

    async def _what_is_due(self, now: datetime) -> Work:
        return Work(deadlines=await self._store.due(now, DUE_MAX))

    async def _what_is_retried(self, now: datetime) -> Work:
        return Work(letters=await self._store.retrying(DUE_MAX))

    async def _what_need_not_wait(self, now: datetime) -> Work:
        return Work(waits=await self._store.restless(now, DUE_MAX))

    async def _carry_out(self, work: Work) -> list[Effects]:
        """Do work, and then decide about all messages that wait in vain since, some in each transaction."""
        done: list[Effects] = []
        while work:
            latest = await self._narrow(work)
            done += latest
            work = Work(waits=list(dict.fromkeys(wait for effects in latest for wait in effects.unheeded)))
        return done

    async def _narrow(self, work: Work) -> list[Effects]:
        """Do work in one transaction; what fails of it, in the store or by a bug of ours, is narrowed and set aside."""
        try:
            return [await self._transact(work)]
        except (Poison, *BUGS) as error:
            if not (parts := work.narrowed(reason_of(error))):
                raise
            done = [effects for part in parts for effects in await self._narrow(part)]
            if parts[0].refused and not isinstance(error, Poison):
                done[0].bugs.append(error)
            return done

    def _read(self, record: Raw) -> Message | Unreadable | None:
        return read(record, handled=self._service.handled, known=CATALOGUE)

    async def _transact(self, work: Work) -> Effects:
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

    async def _attempt(self, transaction: Transaction, work: Work, unforeseen: Collection[RowKey]) -> Effects:
        outset = await self._outset(transaction, work, unforeseen)
        fresh = outset.fresh
        taken = await transaction.take(work.deadlines) if work.deadlines else set()
        deciding = Deciding(
            self._service,
            self._rules,
            now=self._clock(),
            found=outset.found,
            parked=outset.parked,
            trace=self._trace,
            retried=fresh.letters,
            held=outset.held,
            wakes_max=work.wakes_max,
            refused=work.refused,
        )
        for unreadable in (*fresh.unreadable, *(each for each in outset.lost.values() if each is not None)):
            deciding.set_aside(unreadable)
        for message in (*fresh.messages, *map(self._message_of, work.deadlines)):
            if fresh.letters:
                deciding.answer_again(message)
            elif not isinstance(message.event, Due) or (message.event.name, message.event.key) in taken:
                deciding.answer(message)
        if work.waits:
            deciding.wake()
            deciding.give_up()
        effects = deciding.finish()
        effects.repeated = fresh.repeated
        effects.unparked += outset.lost
        effects.closed = _closed(fresh, effects)
        await transaction.save(effects)
        return effects

    async def _outset(self, transaction: Transaction, work: Work, unforeseen: Collection[RowKey]) -> _Outset:
        """Claim, look and load: new readings that nothing stands in the way of, at once; all else, step by step."""
        if work.readings and work.wakes_max:
            verdicts, found = await self._open(transaction, work.readings, unforeseen)
            if found is not None:
                return _Outset(_fresh(work.readings), found)
            fresh = await self._sift(transaction, work.readings, verdicts)
        elif work.readings:
            # What stands alone may fail by what it needs, and be a repetition, which needs nothing.
            verdicts = await _verdicts(transaction, [*map(_claim_of, work.readings)])
            fresh = await self._sift(transaction, work.readings, verdicts)
        else:
            fresh = await self._retake(transaction, work) if work.letters else _Fresh()
        messages = [*fresh.messages, *map(self._message_of, work.deadlines)]
        # What is set aside, or left to wait, needs no rows: looking for them may be what fails.
        asking = [] if work.refused else messages
        streams = {message.stream for message in messages}
        parked, lost, held = await self._standing(transaction, asking, streams, work.waits)
        if work.wakes_max and not work.refused:
            asking = [*asking, *(each.message for each in parked)]
        found = await self._load(transaction, asking, parked, unforeseen)
        return _Outset(fresh, found, parked, lost, held)

    async def _open(
        self, transaction: Transaction, readings: Sequence[Message | Unreadable], unforeseen: Collection[RowKey]
    ) -> tuple[list[Verdict], Found | None]:
        """Claim readings, and load all their rows where each is new and nothing stands in the way."""
        claims = [_claim_of(reading) for reading in readings]
        if len({(claim.source, claim.id) for claim in claims}) < len(claims):
            return await _verdicts(transaction, claims), None
        messages = _fresh(readings).messages
        named = self._named(messages)
        step_by_step = self._service.needs_rows_of_rows({message.type for message in messages})
        wanted = {} if step_by_step else _with(named, unforeseen)
        streams = {message.stream for message in messages}
        verdicts, loaded = await transaction.open(claims, _waits(named), streams, wanted)
        if loaded is None:
            return verdicts, None
        if step_by_step:
            return verdicts, await self._load(transaction, messages, (), unforeseen)
        return verdicts, {kind: {key: loaded[kind].get(key) for key in keys} for kind, keys in wanted.items()}

    def _named(self, messages: Iterable[Message]) -> dict[type, dict[Key, None]]:
        """Return the rows that messages themselves name, in the service's order of tables."""
        named: dict[type, dict[Key, None]] = {rows.kind: {} for rows in self._service.rows if not rows.append_only}
        for message in messages:
            for kind, key in first_keys(self._service.by_trigger[message.type], message.event):
                named[kind][key] = None
        return named

    async def _sift(
        self, transaction: Transaction, readings: Sequence[Message | Unreadable], verdicts: Sequence[Verdict]
    ) -> _Fresh:
        """Keep what the inbox has not seen, in order; the same id with another body is set aside as `id-reused`.

        That one claims its place in Kafka, so that it is set aside once.
        """
        judged = [*zip(readings, verdicts, strict=True)]
        fresh = _fresh([reading for reading, verdict in judged if verdict is Verdict.FRESH])
        unreadable = [*fresh.unreadable]
        if Verdict.REUSED in verdicts:
            reused = {each.raw.position: _reused(each) for each, verdict in judged if verdict is Verdict.REUSED}
            positions = await transaction.claim([Claim(*position, 0) for position in reused])
            judged_positions = zip(reused.values(), positions, strict=True)
            unreadable += [each for each, verdict in judged_positions if verdict is Verdict.FRESH]
        return replace(fresh, unreadable=unreadable, repeated=verdicts.count(Verdict.REPEATED))

    async def _retake(self, transaction: Transaction, work: Work) -> _Fresh:
        """Read the letters that are still to be retried; a letter that has not claimed its event's id does so now."""
        letters = await transaction.letters(work.letters)
        readings = [(letter, self._read(letter.raw)) for letter in letters]
        if work.refused:
            readings = [
                (letter, as_refused(each, work.refused) if isinstance(each, Message) else each)
                for letter, each in readings
            ]
        claiming = [each for letter, each in readings if isinstance(each, Message) and not letter.claimed]
        verdicts = iter(await _verdicts(transaction, [*map(_claim_of, claiming)]) if claiming else ())
        messages: list[Message] = []
        unreadable: list[Unreadable] = []
        closed: dict[str, Outcome] = {}
        for letter, reading in readings:
            if reading is None:
                closed[letter.id] = "ignored"
            elif isinstance(reading, Unreadable):
                unreadable.append(replace(reading, claimed=letter.claimed))
            elif letter.claimed or (verdict := next(verdicts)) is Verdict.FRESH:
                messages.append(reading)
            elif verdict is Verdict.REUSED:
                unreadable.append(_reused(reading))
            else:
                closed[letter.id] = "repeated"
        return _Fresh(messages, unreadable, [*closed.values()].count("repeated"), letters, closed)

    async def _standing(
        self, transaction: Transaction, messages: Sequence[Message], streams: Iterable[str], waits: Sequence[Wait]
    ) -> tuple[list[Parked], dict[int, Unreadable | None], set[Held]]:
        """Return what an outset holds of what stands in the way: parked messages, lost ones, and what letters hold."""
        wanted = dict.fromkeys([*waits, *_waits(self._named(messages))])
        if await transaction.is_clear(wanted, streams):
            return [], {}, set()
        # Looked for on both sides of the waiting: a letter that a retry parks in between would be seen by neither.
        held = {*await transaction.holding(streams)}
        parked, lost = await self._waiting(transaction, wanted, streams, self._clock() if waits else None)
        held |= {*await transaction.holding({*streams, *(each.message.stream for each in parked)})}
        return parked, lost, held

    async def _waiting(
        self, transaction: Transaction, wanted: Iterable[Wait], streams: Iterable[str], impatient_at: datetime | None
    ) -> tuple[list[Parked], dict[int, Unreadable | None]]:
        parked: list[Parked] = []
        lost: dict[int, Unreadable | None] = {}
        for record in await transaction.waiting(wanted, streams, WAKES_MAX, impatient_at=impatient_at):
            reading = self._read(record.raw)
            if isinstance(reading, Message):
                parked.append(Parked(reading, record.wait, record.until, record.id))
            else:
                lost[record.id] = reading and replace(reading, claimed=True)
        return parked, lost

    async def _load(
        self,
        transaction: Transaction,
        messages: Sequence[Message],
        parked: Sequence[Parked],
        unforeseen: Collection[RowKey],
    ) -> Found:
        """Load every row that the messages name, table by table in the service's order."""
        wanted = _with(self._named(messages), [*unforeseen, *((each.wait.kind, each.wait.key) for each in parked)])
        asked = [(self._service.by_trigger[message.type], message.event) for message in messages]
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
            stream=f"deadline:{deadline.name}|{deadline.key}",
        )


def _fresh(readings: Sequence[Message | Unreadable]) -> _Fresh:
    return _Fresh(
        [reading for reading in readings if isinstance(reading, Message)],
        [reading for reading in readings if isinstance(reading, Unreadable)],
    )


def _waits(named: Mapping[type, Iterable[Key]]) -> list[Wait]:
    """Return what messages may wait for of these rows: those whose key is a single text."""
    return [Wait(kind, key) for kind, keys in named.items() for key in keys if isinstance(key, str)]


def _with(named: Mapping[type, dict[Key, None]], more: Collection[RowKey]) -> Mapping[type, dict[Key, None]]:
    """Return these rows and some more."""
    every = {kind: dict(keys) for kind, keys in named.items()} if more else named
    for kind, key in more:
        every[kind][key] = None
    return every


async def _verdicts(transaction: Transaction, claims: Sequence[Claim]) -> list[Verdict]:
    """Claim, and say of each claim whether it is new; what comes twice among them is a repetition."""
    firsts: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        firsts.setdefault((claim.source, claim.id), claim)
    found = dict(zip(firsts.values(), await transaction.claim(list(firsts.values())), strict=True))
    verdicts: list[Verdict] = []
    for claim in claims:
        if claim not in found:
            # Another body than the first one of this id: what the inbox has may still be this one.
            [found[claim]] = await transaction.claim([claim])
        verdicts.append(found[claim])
        if found[claim] is Verdict.FRESH:
            found[claim] = Verdict.REPEATED
    return verdicts


def _claim_of(reading: Message | Unreadable) -> Claim:
    """A message is claimed by its id; what has no readable id, by where it lies."""
    if isinstance(reading, Message):
        return Claim(reading.source, reading.id, reading.digest)
    return Claim(*reading.raw.position, 0)


def _reused(reading: Message | Unreadable) -> Unreadable:
    claim = _claim_of(reading)
    return Unreadable(reading.raw, "id-reused", f"id {claim.id} of {claim.source} came with another body before")


def _closed(fresh: _Fresh, effects: Effects) -> dict[str, Outcome]:
    """Say what became of the letters that were retried, save those that are set aside again."""
    if not fresh.letters:
        return {}
    again = {letter.id for letter in effects.letters}
    parked = {letter_id(each.message.raw) for each in effects.parked}
    decided: dict[str, Outcome] = {
        letter.id: "parked" if letter.id in parked else "decided" for letter in fresh.letters if letter.id not in again
    }
    return {**decided, **fresh.closed}
