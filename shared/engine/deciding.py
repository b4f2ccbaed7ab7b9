"""Deciding about a batch of messages, in order, each seeing what the earlier ones changed. Pure: no I/O, no clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.engine.message import DeadLetterHeader, Due, Message, Raw, Unreadable, dead_letter, outgoing
from shared.engine.rows import Key
from shared.engine.service import Handler, Service
from shared.engine.store import DeadlineSet, Effects, Parked, Wait
from shared.events.event import Event
from shared.kernel.decision import Answer, Decision, Given, Invalid, NotYet

Found = Mapping[type, dict[Key, Any]]
"""For each kind of row, the keys that were looked up, with None where there is no row."""
Trace = Callable[[Message, str], str]
"""Gives the traceparent of an event of this type that a message causes."""


DEADLINE_RETRY = timedelta(minutes=1)
"""How long a deadline whose decision failed is left alone."""


class Unloaded(Exception):
    """A decision needs a row that was not loaded: the engine loads it too and decides again."""

    def __init__(self, kind: type, key: Key) -> None:
        super().__init__(f"{kind.__name__} {key}")
        self.kind, self.key = kind, key


@dataclass(frozen=True, slots=True)
class Rules:
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
    """One batch under decision. `effects` is what came of it."""

    def __init__(
        self, service: Service, rules: Rules, *, now: datetime, found: Found, parked: Iterable[Parked], trace: Trace
    ) -> None:
        self.effects = Effects()
        self._service, self._rules, self._now, self._trace = service, rules, now, trace
        self._found = found
        self._waiting: dict[Wait, list[Parked]] = {}
        self._streams: dict[str, Wait] = {}
        for each in parked:
            self._remember(each)

    def answer(self, message: Message, until: datetime | None = None) -> None:
        """Decide about a message, or park it behind what its stream waits for."""
        self.wake()
        if (wait := self._streams.get(message.stream)) is not None:
            self._park(message, wait, until)
        else:
            self._decide(message, until)
            self.wake()

    def wake(self) -> None:
        """Decide about the parked messages whose row is there now, in the order in which they came."""
        for wait in [wait for wait in self._waiting if self._look(wait.kind, wait.key) is not None]:
            for parked in self._forget(wait):
                self.answer(parked.message, parked.until)

    def give_up(self) -> None:
        """Decide about the parked messages whose patience is over, by their `otherwise` or as dead letters."""
        for wait in list(self._waiting):
            for parked in self._forget(wait):
                if parked.until > self._now:
                    self._remember(parked)
                    if parked.id is not None:
                        self.effects.unparked.remove(parked.id)
                else:
                    self._lose_patience(parked)

    def set_aside(self, raw: Raw, slug: str, detail: str, *, handler: str = "", traceparent: str = "") -> None:
        """Send a record to the dead-letter topic of its topic and this service."""
        about: dict[DeadLetterHeader, str] = {
            "reason": slug,
            "detail": detail,
            "service": self._service.name,
            "handler": handler,
            "first_failed_at": self._now.isoformat(),
            "traceparent": traceparent,
        }
        self.effects.outgoing.append(dead_letter(raw, self._service.name, about, self._rules.topic_prefix))
        self.effects.dead.append(slug)

    def set_aside_unreadable(self, unreadable: Unreadable) -> None:
        """Send a record that could not be read to the dead-letter topic."""
        self.set_aside(unreadable.raw, unreadable.slug, unreadable.detail)

    def _decide(self, message: Message, until: datetime | None) -> None:
        match self._ask(message):
            case Decision() as decision:
                self._apply(decision, message)
            case NotYet(kind, key):
                self._park(message, Wait(kind, key), until)
            case Invalid(slug, detail):
                self._set_message_aside(message, slug, detail)
            case None:
                pass

    def _ask(self, message: Message) -> Answer | None:
        """Return the decision; a decision that fails is a bug, and its message is set aside so that others go on."""
        handler = self._service.by_trigger[message.type]
        try:
            answer = handler.decide(message.event, self._given(message), **self._arguments(handler, message.event))
            if isinstance(answer, NotYet) and self._look(answer.kind, answer.key) is not None:
                raise AssertionError(f"{handler.name} waits for {answer.kind.__name__} {answer.key}, which is there")
        except Unloaded:
            raise
        except Exception as error:
            self._set_message_aside(message, "decision-failed", f"{type(error).__name__} in {handler.name}")
            return None
        return answer

    def _arguments(self, handler: Handler, event: Event | Due) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for need in handler.needs:
            owner = event if need.of is None else arguments[need.of]
            keys = () if owner is None else tuple(need.keys(owner))
            rows = {key: row for key in keys if (row := self._look(need.kind, key)) is not None}
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

    def _look(self, kind: type, key: Key) -> Any:
        try:
            return self._found[kind][key]
        except KeyError:
            raise Unloaded(kind, key) from None

    def _apply(self, decision: Decision, message: Message) -> None:
        self.effects.decided += 1
        for row in decision.rows:
            kind = type(row)
            if self._service.rows_of[kind].append_only:
                self.effects.appended.setdefault(kind, []).append(row)
                continue
            key = self._service.codecs[kind].key_of(row)
            self._look(kind, key)
            self._found[kind][key] = row
            self.effects.changed.setdefault(kind, {})[key] = row
        given = self._given(message)
        for ordinal, event in enumerate(decision.events):
            self._publish(event, given.new_id(ordinal), message)
        for deadline in decision.deadlines:
            due = deadline.due_at
            kept = due and DeadlineSet(
                deadline.name, deadline.key, due, given.new_id(f"deadline:{deadline.name}"), message.traceparent
            )
            self.effects.deadlines[deadline.name, deadline.key] = kept or None

    def _publish(self, event: Any, event_id: str, message: Message) -> None:
        self.effects.outgoing.append(
            outgoing(
                event,
                event_id=event_id,
                source=self._service.source,
                time=self._now,
                cause_id=message.id,
                traceparent=self._trace(message, event.TYPE),
                prefix=self._rules.topic_prefix,
            )
        )

    def _try_again_later(self, message: Message, due: Due, slug: str) -> None:
        """Keep a deadline whose decision fails: it came from no topic, so no dead-letter topic could hold it."""
        later = self._now + DEADLINE_RETRY
        kept = DeadlineSet(due.name, due.key, later, message.id, message.traceparent)
        self.effects.deadlines[due.name, due.key] = kept
        self.effects.dead.append(slug)

    def _park(self, message: Message, wait: Wait, until: datetime | None) -> None:
        if isinstance(message.event, Due):
            raise AssertionError(f"deadline {message.event.name} cannot wait for {wait}")
        self._remember(Parked(message, wait, until or self._now + self._rules.parked_max_age))

    def _remember(self, parked: Parked) -> None:
        self._waiting.setdefault(parked.wait, []).append(parked)
        self._streams[parked.message.stream] = parked.wait
        if parked.id is None:
            self.effects.parked.append(parked)

    def _forget(self, wait: Wait) -> list[Parked]:
        waiting = self._waiting.pop(wait)
        for parked in waiting:
            self._streams.pop(parked.message.stream, None)
            if parked.id is None:
                self.effects.parked.remove(parked)
            else:
                self.effects.unparked.append(parked.id)
        return waiting

    def _lose_patience(self, parked: Parked) -> None:
        match self._ask(parked.message):
            case NotYet(otherwise=Decision() as decision) | (Decision() as decision):
                self._apply(decision, parked.message)
            case NotYet() | Invalid():
                detail = f"no {parked.wait.kind.__name__.lower()} {parked.wait.key} came in time"
                self._set_message_aside(parked.message, "waited-too-long", detail)
            case None:
                pass

    def _set_message_aside(self, message: Message, slug: str, detail: str) -> None:
        handler = self._service.by_trigger[message.type].name
        if isinstance(message.event, Due):
            self._try_again_later(message, message.event, slug)
            return
        self.set_aside(message.raw, slug, detail, handler=handler, traceparent=message.traceparent)
