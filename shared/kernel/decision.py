"""What a decision is given and what it may answer.

A decision is a pure function of a message, what is given with it, and the rows it needs. It answers one of three:

- `Decision`: the rows as they are now, the events to publish, the deadlines to set or clear. A business "no" is a
  decision too: an event that carries the slug of a `Refused`.
- `NotYet`: the message came before something it stands on; it is kept and decided when that arrives.
- `Invalid`: it can never be processed; it is a dead letter, which the service's database keeps and a topic tells of.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

from shared.kernel.ids import derive, time_of
from shared.kernel.value import Value

CLOCK_SKEW = timedelta(minutes=15)
"""By how much the clocks of tills and handhelds may be wrong and still be believed."""
CLOCKS_SINCE = datetime(2001, 1, 1, tzinfo=UTC)
"""A clock that says less has lost its battery: such clocks begin again in 1970, 1980 or 2000."""


class Publishable(Protocol):
    """An event model of the published language."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    @property
    def key(self) -> str:
        """The Kafka key: what must stay in order with it."""


class Given(Value):
    """What a decision may know beside its message and its rows."""

    now: datetime
    """The service's clock, UTC: deadlines are counted from it."""
    occurred_at: datetime
    """When the message says that it happened, UTC, whatever clock said so: `believed_at` is for decisions."""
    source: str
    message_id: str
    service: str

    def believed_at(self, *, after: datetime = CLOCKS_SINCE) -> datetime:
        """Return when it happened, or `now` where the clock that says so cannot be right.

        What happened is not later than now and not before what came before it, `after`, give or take `CLOCK_SKEW`.
        Periods and effective dates follow it.
        """
        earliest = max(after, CLOCKS_SINCE) - CLOCK_SKEW
        return self.occurred_at if earliest <= self.occurred_at <= self.now + CLOCK_SKEW else self.now

    def not_believed(self, believed_at: datetime) -> datetime | None:
        """Return what the message says where something else is believed."""
        return None if believed_at == self.occurred_at else self.occurred_at

    def new_id(self, name: str | int) -> str:
        """Return an id that only this service, this message and this name give."""
        return derive(
            cause=f"{self.source} {self.message_id}",
            maker=self.service,
            name=name,
            time_ms=time_of(self.message_id, otherwise=self.occurred_at),
        )


class Deadline(Value):
    """A time by which something must have happened; when it passes, the service decides about it as about a message.

    A service has one deadline of a name for a key: setting it again moves it, `due_at=None` clears it.
    """

    name: str
    key: str
    due_at: datetime | None


class Decision(Value):
    """The new versions of the rows, and the facts that follow. What is not named stays as it is."""

    rows: tuple[object, ...] = ()
    events: tuple[Publishable, ...] = ()
    deadlines: tuple[Deadline, ...] = ()

    def __add__(self, other: "Decision") -> "Decision":
        return Decision(self.rows + other.rows, self.events + other.events, self.deadlines + other.deadlines)


NOTHING = Decision()
"""The decision that nothing follows."""


class NotYet(Value):
    """The message waits for the row (`kind`, `key`).

    When the wait grows too long, `otherwise` is what is decided; without it the message is dead-lettered.
    """

    kind: type
    key: str
    otherwise: Decision | None = None


class Invalid(Value):
    """The message can never be processed: why, as a slug and a sentence for a person."""

    slug: str
    detail: str


Answer = Decision | NotYet | Invalid


def slug_of(name: str) -> str:
    """Return the slug of a class name: `WindowPassed` is `window-passed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Refused:
    """A business "no". The class name is its slug and the docstring its sentence, so that both are worded once.

    A second paragraph says what to do: the contracts list it.

    >>> class WindowPassed(Refused):
    ...     '''The return window has passed.'''
    >>> WindowPassed.slug, WindowPassed.sentence
    ('window-passed', 'The return window has passed.')
    """

    slug: ClassVar[str]
    sentence: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if not cls.__doc__:
            raise TypeError(f"{cls.__name__} needs a docstring: the sentence a person reads")
        cls.slug = slug_of(cls.__name__)
        cls.sentence = cls.__doc__.strip().partition("\n\n")[0]
