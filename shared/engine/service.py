"""How a service is declared: a table of which message goes to which decision, and the rows it needs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from sqlalchemy import MetaData

from shared.engine.rows import Codec, Key, Rows
from shared.events.event import Event
from shared.kernel.decision import Answer


@dataclass(frozen=True)
class Need:
    """Rows that a decision takes as an argument.

    Their keys are named by the message or, with `of`, by a row that an earlier need found.
    """

    argument: str
    kind: type
    keys: Callable[[Any], Iterable[Key]]
    single: bool
    of: str | None = None


def one(argument: str, kind: type, key: Callable[[Any], Key]) -> Need:
    """Need the row of this key: the decision gets it, or None, as `argument`."""
    return Need(argument, kind, lambda message: (key(message),), single=True)


def many(argument: str, kind: type, keys: Callable[[Any], Iterable[Key]], *, of: str | None = None) -> Need:
    """Need the rows of these keys: the decision gets a mapping of those that exist, by key, as `argument`."""
    return Need(argument, kind, keys, single=False, of=of)


@dataclass(frozen=True)
class Handler:
    """Which decision answers a message, and what it needs."""

    trigger: str
    """An event type, or `deadline:NAME`."""
    decide: Callable[..., Answer]
    """Called with the event (or the `Due` deadline), the `Given`, and each need by its name."""
    needs: tuple[Need, ...]
    event: type[Event] | None = None

    @property
    def name(self) -> str:
        """The decision's name, for logs and dead letters."""
        decide = self.decide.func if isinstance(self.decide, partial) else self.decide
        return decide.__name__


def on(event: type[Event], decide: Callable[..., Answer], *needs: Need) -> Handler:
    """Declare that `decide` answers an event."""
    return Handler(event.TYPE, decide, needs, event)


def at_deadline(name: str, decide: Callable[..., Answer], *needs: Need) -> Handler:
    """Declare that `decide` answers when the deadline of this name has passed."""
    return Handler(f"deadline:{name}", decide, needs)


@dataclass(frozen=True)
class Service:
    """A service, declared: its rows in the order in which they are locked, and its handlers."""

    name: str
    metadata: MetaData
    rows: tuple[Rows, ...]
    handlers: tuple[Handler, ...]
    batch_interval_s: float = 0.015
    """How long after the beginning of a batch the next one begins at the soonest, where no more is known to be there.

    What comes meanwhile comes in one transaction: the longer, the less each message costs. Short where a customer waits
    for the answer.
    """
    by_trigger: Mapping[str, Handler] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        triggers = {handler.trigger: handler for handler in self.handlers}
        if len(triggers) != len(self.handlers):
            raise TypeError(f"{self.name}: a message can have one decision only")
        object.__setattr__(self, "by_trigger", triggers)
        order = [rows.kind for rows in self.rows]
        for handler in self.handlers:
            positions = [order.index(need.kind) for need in handler.needs]
            if positions != sorted(positions):
                raise TypeError(f"{self.name}: {handler.name} must name its needs in the order of the service's rows")

    def needs_rows_of_rows(self, triggers: Iterable[str]) -> bool:
        """Say whether the decision about one of these messages needs rows that another row names."""
        return any(need.of is not None for trigger in triggers for need in self.by_trigger[trigger].needs)

    @property
    def source(self) -> str:
        """The CloudEvents source of what it publishes."""
        return f"/tekil/{self.name}"

    @cached_property
    def handled(self) -> dict[str, type[Event]]:
        """The event types that it answers."""
        return {handler.trigger: handler.event for handler in self.handlers if handler.event is not None}

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The topics that it consumes."""
        return tuple(sorted({event.TOPIC for event in self.handled.values()}))

    @cached_property
    def codecs(self) -> dict[type, Codec]:
        """How the values of each kind become rows."""
        return {rows.kind: Codec(rows) for rows in self.rows}

    @cached_property
    def rows_of(self) -> dict[type, Rows]:
        """The table of each kind of value."""
        return {rows.kind: rows for rows in self.rows}
