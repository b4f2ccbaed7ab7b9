"""Deciding about a batch of messages, in order, each seeing what the earlier ones changed. Pure: no I/O, no clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.engine.letters import Letter, dead_letter, letter_id, printable, type_of
from shared.engine.message import Due, Message, Outgoing, Unreadable, outgoing
from shared.engine.rows import Key
from shared.engine.service import Handler, Service
from shared.engine.store import DeadlineSet, Effects, Held, Parked, Wait
from shared.engine.waiting import WaitingRoom
from shared.events.event import Event
from shared.kernel.decision import Answer, Decision, Given, Invalid, NotYet
from shared.kernel.value import Value, replace

RowKey = tuple[type, Key]
Found = Mapping[type, dict[Key, Any]]
"""For each kind of row, the keys that were looked up, with None where there is no row."""
Trace = Callable[[Message, str], str]
"""Gives the traceparent of an event of this type that a message causes."""


REFUSED = "refused-by-database"
"""Why a message is set aside that the store does not take."""
BEHIND = "behind-a-letter"
"""Why a message is set aside whose stream an earlier one holds that was set aside."""
FAILED, WAITED = "decision-failed", "waited-too-long"
MENDABLE = frozenset({REFUSED, BEHIND, FAILED, WAITED})
"""Why a message is set aside that is still to be decided, once something is mended: it holds its stream until then."""
DEADLINE_RETRY = timedelta(minutes=1)
"""How long a deadline whose decision failed is left alone."""


WAKES_MAX = 500
"""Parked messages that one transaction decides about; the ticker sees to the others."""


class Unloaded(Exception):
    """Decisions need rows that were not loaded: the engine loads them too and decides again."""

    def __init__(self, rows: Iterable[RowKey]) -> None:
        self.rows = frozenset(rows)
        super().__init__(", ".join(f"{kind.__name__} {key}" for kind, key in self.rows))


class Rules(Value):
    """What holds for every batch of a service."""

    parked_max_age: timedelta
    """How long an early message waits before it is given up."""
    topic_prefix: str = ""


def first_keys(handler: Handler, event: Event | Due) -> Iterator[tuple[type, Key]]:
    """Yield the rows that the message itself names."""
    for need in handler.needs:
        if need.of is None:
            for key in need.keys(event):
                yield need.kind, key


def named_keys(handler: Handler, event: Event | Due, kind: type, found: Found) -> Iterator[Key]:
    """Yield the rows of a kind that rows found earlier name."""
    for need in handler.needs:
        if need.of is None or need.kind is not kind:
            continue
        for owner in handler.needs:
            if owner.argument == need.of:
                for key in owner.keys(event):
                    if (row := found[owner.kind].get(key)) is not None:
                        yield from need.keys(row)


class Deciding:
    """One batch under decision.

    `wakes_max` bounds the parked messages that are decided about. With `refused`, what would be decided has failed
    before, outside of the decision: the message is set aside instead, and this says why.
    """

    def __init__(
        self,
        service: Service,
        rules: Rules,
        *,
        now: datetime,
        found: Found,
        parked: Iterable[Parked],
        trace: Trace,
        retried: Iterable[Letter] = (),
        held: Iterable[Held] = (),
        wakes_max: int = WAKES_MAX,
        refused: Invalid | None = None,
    ) -> None:
        self._service, self._rules, self._now, self._trace = service, rules, now, trace
        self._found, self._wakes_left, self._refused = found, wakes_max, refused
        self._first_failed_at = {letter.id: letter.first_failed_at for letter in retried}
        self._holding: dict[str, list[int]] = {}
        for each in held:
            if each.letter_id not in self._first_failed_at:
                self._holding.setdefault(each.stream, []).append(each.offset)
        self._effects, self._missing = Effects(), set[RowKey]()
        self._told: list[tuple[Any, str, Message]] = []
        self._room = WaitingRoom(parked)
        for wait in filter(self._is_there, self._room.waits):
            self._room.arrived(wait)

    def answer(self, message: Message) -> None:
        """Decide about a message, or park it behind what its stream waits for."""
        self.wake()
        self._consider(message)
        self.wake()

    def answer_again(self, message: Message) -> None:
        """Decide about a message that had been set aside, ahead of those that came after it in its stream and wait.

        They may wait for what it brings; behind them it would wait for itself.
        """
        self.wake()
        later = self._room.withdraw(message.stream, after=message.raw.offset)
        self._consider(message)
        for parked in later:
            self._reconsider(parked)
        self.wake()

    def wake(self) -> None:
        """Decide about the parked messages whose row is there now, in the order in which they came."""
        while self._wakes_left and (ready := self._room.ready):
            for parked in self._room.leave(ready[0]):
                self._reconsider(parked)

    def give_up(self) -> None:
        """Decide about the parked messages whose patience is over, by their `otherwise` or as dead letters."""
        for wait in self._room.waits:
            freed: set[str] = set()
            for parked in self._room.leave(wait):
                if self._wakes_left and parked.until <= self._now:
                    self._wakes_left -= 1
                    self._noting_what_is_missing(self._lose_patience, parked)
                    freed.add(parked.message.stream)
                elif parked.message.stream in freed:
                    # It waited for the sake of the one ahead; for itself it may have to wait for nothing.
                    self._reconsider(parked)
                else:
                    self._stay(parked)
        self.wake()

    def finish(self) -> Effects:
        """Return what came of it all. Raises Unloaded where a decision needed what was not loaded."""
        if self._missing:
            raise Unloaded(self._missing)
        self._effects.parked, self._effects.moved, self._effects.unparked = self._room.changes()
        self._effects.unheeded = self._room.ready
        # Not before: decisions that will be made again must leave no trace.
        self._effects.outgoing += [self._publish(*each) for each in self._told]
        return self._effects

    def set_aside(self, unreadable: Unreadable, *, handler: str = "", kind: str = "", traceparent: str = "") -> None:
        """Keep a record as a dead letter, and tell of it on the dead-letter topic of its topic and this service."""
        letter = Letter(
            raw=unreadable.raw,
            type=kind or type_of(unreadable.raw.headers),
            reason=unreadable.slug,
            detail=printable(unreadable.detail),
            handler=handler,
            claimed=unreadable.claimed,
            first_failed_at=self._first_failed_at.get(letter_id(unreadable.raw), self._now),
            failed_at=self._now,
            holds=unreadable.holds,
        )
        if letter.holds:
            self._holding.setdefault(letter.holds, []).append(letter.raw.offset)
        self._effects.letters.append(letter)
        self._effects.outgoing.append(
            dead_letter(letter, service=self._service.name, traceparent=traceparent, prefix=self._rules.topic_prefix)
        )
        self._effects.dead.append(letter.reason)

    def _consider(self, message: Message, before: Parked | None = None) -> None:
        """Decide about a message, unless its stream waits; one that was parked before keeps its place and patience."""
        if self._is_held(message):
            self._set_held_aside(message)
        elif (wait := self._room.blocking(message.stream)) is not None:
            self._park(message, wait, before)
        else:
            self._noting_what_is_missing(self._decide, message, before)

    def _is_held(self, message: Message) -> bool:
        """Say whether an earlier message of its stream is a letter: decided before it, this one would find less."""
        if not self._holding:
            return False
        return any(offset < message.raw.offset for offset in self._holding.get(message.stream, ()))

    def _set_held_aside(self, message: Message) -> None:
        detail = "an earlier message of its key is a dead letter: retry that one, then this"
        self._set_message_aside(message, BEHIND, detail)

    def _reconsider(self, parked: Parked) -> None:
        """Decide about a message that waited, unless there were enough of them in this transaction."""
        if self._wakes_left:
            self._wakes_left -= 1
            self._consider(parked.message, parked)
        else:
            self._stay(parked)

    def _noting_what_is_missing(self, decide: Callable[..., None], *given: Any) -> None:
        """Go on without a decision that needs what was not loaded: so all that is missing is known after one pass."""
        try:
            decide(*given)
        except Unloaded as missing:
            self._missing |= missing.rows

    def _decide(self, message: Message, before: Parked | None) -> None:
        match self._ask(message):
            case Decision() as decision:
                self._apply(decision, message)
            case NotYet(kind, key):
                self._park(message, Wait(kind, key), before)
            case Invalid(slug, detail):
                self._set_message_aside(message, slug, detail)
            case None:
                pass

    def _ask(self, message: Message) -> Answer | None:
        """Return the decision; a decision that fails is a bug, and its message is set aside so that others go on."""
        if self._refused:
            return self._refused
        handler = self._service.by_trigger[message.type]
        try:
            answer = handler.decide(message.event, self._given(message), **self._arguments(handler, message.event))
            self._check(answer, message, handler)
        except Unloaded:
            raise
        except Exception as error:
            self._effects.bugs.append(error)
            self._set_message_aside(message, FAILED, f"{type(error).__name__} in {handler.name}")
            return None
        return answer

    def _check(self, answer: Answer, message: Message, handler: Handler) -> None:
        """Refuse an answer that no engine could carry out: it is a bug of its decision, and of no other message."""
        match answer:
            case NotYet(kind, key):
                assert not isinstance(message.event, Due), f"{handler.name}: a deadline cannot wait"
                assert self._look(kind, key) is None, f"{handler.name} waits for {kind.__name__} {key}, which is there"
            case Decision(rows=rows):
                unknown = [type(row).__name__ for row in rows if type(row) not in self._service.rows_of]
                assert not unknown, f"{handler.name} changes {unknown}, which the service does not keep"

    def _arguments(self, handler: Handler, event: Event | Due) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for need in handler.needs:
            owner = event if need.of is None else arguments[need.of]
            keys = () if owner is None else tuple(need.keys(owner))
            rows = self._look_all(need.kind, keys)
            arguments[need.argument] = rows.get(keys[0]) if need.single and keys else None if need.single else rows
        return arguments

    def _given(self, message: Message) -> Given:
        return Given(
            now=self._now,
            occurred_at=message.time,
            source=message.source,
            message_id=message.id,
            service=self._service.name,
        )

    def _is_there(self, wait: Wait) -> bool:
        return self._found[wait.kind].get(wait.key) is not None

    def _look(self, kind: type, key: Key) -> Any:
        return self._look_all(kind, (key,)).get(key)

    def _look_all(self, kind: type, keys: Iterable[Key]) -> dict[Key, Any]:
        """Return the rows that are there. Raises Unloaded with every key that nobody looked for."""
        table = self._found[kind]
        if missing := [(kind, key) for key in keys if key not in table]:
            raise Unloaded(missing)
        return {key: row for key in keys if (row := table[key]) is not None}

    def _apply(self, decision: Decision, message: Message) -> None:
        self._effects.decided += 1
        for row in decision.rows:
            kind = type(row)
            if self._service.rows_of[kind].append_only:
                self._effects.appended.setdefault(kind, []).append(row)
                continue
            key = self._service.codecs[kind].key_of(row)
            self._look(kind, key)
            self._found[kind][key] = row
            self._effects.changed.setdefault(kind, {})[key] = row
            if isinstance(key, str):
                self._room.arrived(Wait(kind, key))
        given = self._given(message)
        self._told += [(event, given.new_id(ordinal), message) for ordinal, event in enumerate(decision.events)]
        for deadline in decision.deadlines:
            due = deadline.due_at
            kept = due and DeadlineSet(
                deadline.name,
                deadline.key,
                due,
                given.new_id(f"deadline:{deadline.name}:{deadline.key}"),
                message.traceparent,
            )
            self._effects.deadlines[deadline.name, deadline.key] = kept or None

    def _publish(self, event: Any, event_id: str, cause: Message) -> Outgoing:
        return outgoing(
            event,
            event_id=event_id,
            source=self._service.source,
            time=self._now,
            cause_id=cause.id,
            traceparent=self._trace(cause, event.TYPE),
            prefix=self._rules.topic_prefix,
        )

    def _try_again_later(self, message: Message, due: Due, slug: str) -> None:
        """Keep a deadline whose decision fails: it came from no topic, so no dead-letter topic could hold it."""
        later = self._now + DEADLINE_RETRY
        kept = DeadlineSet(due.name, due.key, later, message.id, message.traceparent)
        self._effects.deadlines[due.name, due.key] = kept
        self._effects.dead.append(slug)

    def _park(self, message: Message, wait: Wait, before: Parked | None) -> None:
        until = self._now + self._rules.parked_max_age
        self._room.enter(replace(before, wait=wait) if before else Parked(message, wait, until))

    def _stay(self, parked: Parked) -> None:
        """Let a message wait on, behind the earlier ones of its stream."""
        wait = self._room.blocking(parked.message.stream) or parked.wait
        self._room.enter(replace(parked, wait=wait))
        if self._is_there(wait):
            self._room.arrived(wait)

    def _lose_patience(self, parked: Parked) -> None:
        if self._is_held(parked.message):
            self._set_held_aside(parked.message)
            return
        match self._ask(parked.message):
            case NotYet(otherwise=Decision() as decision) | (Decision() as decision):
                self._apply(decision, parked.message)
            case Invalid(slug, detail):
                self._set_message_aside(parked.message, slug, detail)
            case NotYet():
                detail = f"no {parked.wait.kind.__name__.lower()} {parked.wait.key} came in time"
                self._set_message_aside(parked.message, WAITED, detail)
            case None:
                pass

    def _set_message_aside(self, message: Message, slug: str, detail: str) -> None:
        if isinstance(message.event, Due):
            self._try_again_later(message, message.event, slug)
            return
        self.set_aside(
            Unreadable(message.raw, slug, detail, claimed=True, holds=message.stream if slug in MENDABLE else ""),
            handler=self._service.by_trigger[message.type].name,
            kind=message.type,
            traceparent=message.traceparent,
        )
