"""What the engine asks of a store. Two keep the promise: PostgreSQL (`postgres.py`) and memory (`memory.py`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from shared.engine.letters import Letter, Outcome
from shared.engine.message import Message, Outgoing, Raw
from shared.engine.rows import Key, Rows
from shared.kernel.value import Value


class Verdict(Enum):
    """What the inbox says of an event id."""

    FRESH = "fresh"
    REPEATED = "repeated"
    REUSED = "reused"


class Claim(Value):
    """An event id and the digest of what came with it."""

    source: str
    id: str
    digest: int


class Wait(Value):
    """The row that a parked message waits for."""

    kind: type
    key: str


class Parked(Value):
    """A message that came too early. `id` is None until it is saved."""

    message: Message
    wait: Wait
    until: datetime
    id: int | None = None


class ParkedRecord(Value):
    """A parked message as it is kept: it is read again each time, since a later release may read it otherwise."""

    id: int
    raw: Raw
    wait: Wait
    until: datetime


class DeadlineSet(Value):
    """A deadline as it is kept: who set it, so that its message id is derived and its trace goes on."""

    name: str
    key: str
    due_at: datetime
    message_id: str
    traceparent: str


@dataclass
class Effects:
    """All that a batch changes, saved in one transaction."""

    changed: dict[type, dict[Key, Any]] = field(default_factory=dict)
    appended: dict[type, list[Any]] = field(default_factory=dict)
    outgoing: list[Outgoing] = field(default_factory=list)
    deadlines: dict[tuple[str, str], DeadlineSet | None] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    moved: list[Parked] = field(default_factory=list)
    """Messages that were parked before and wait for something else or longer now; each keeps its id."""
    unparked: list[int] = field(default_factory=list)
    unheeded: list[Wait] = field(default_factory=list)
    """What messages wait for still, though it is there: there were too many for one transaction."""
    letters: list[Letter] = field(default_factory=list)
    """What was set aside, for the first time or again."""
    closed: dict[str, Outcome] = field(default_factory=dict)
    """What became of letters that were retried, by their ids; those that failed again are among `letters`."""
    dead: list[str] = field(default_factory=list)
    """The slugs of what was set aside, and of deadlines whose decisions failed."""
    bugs: list[Exception] = field(default_factory=list)
    """Why decisions failed."""
    repeated: int = 0
    decided: int = 0


class Poison(Exception):
    """The store refuses what the batch says, and will refuse it again: a constraint was hit."""


class Conflict(Exception):
    """Somebody else changed a row in between; decided again, the batch will pass."""


OF_EACH_MIN = 10


def of_each(limit: int, waits: int) -> int:
    """Return how many messages that wait for one row are looked at: much wanted rows must not hide the others."""
    return max(OF_EACH_MIN, limit // max(1, waits))


class Held(Value):
    """A stream that a letter holds, and where the letter's record lies in it."""

    stream: str
    letter_id: str
    offset: int


class Transaction(Protocol):
    """One transaction. Leaving it commits, an exception rolls back.

    `open`, or `letters` and `claim`; then `is_clear`, `holding`, `waiting` and `load`, as far as `open` did not do; at
    last `take` and `save`.
    """

    async def open(
        self,
        claims: Sequence[Claim],
        waits: Iterable[Wait],
        streams: Iterable[str],
        wanted: Mapping[type, Collection[Key]],
    ) -> tuple[list[Verdict], Mapping[type, Mapping[Key, Any]] | None]:
        """Claim, look whether all is clear, and load: in one exchange what most batches need.

        The claims have distinct ids, and are made in any case. Return their verdicts and, where all are new and all is
        clear, of each kind that is wanted what `load` returns; else None.
        """

    async def letters(self, ids: Iterable[str]) -> list[Letter]:
        """Return those of these letters that are still to be retried, in the order of their records.

        Nobody else can take them until the end of the transaction, which closes each or keeps it as set aside again.
        """

    async def holding(self, streams: Iterable[str]) -> list[Held]:
        """Return what letters that are not closed hold of these streams."""

    async def is_clear(self, waits: Iterable[Wait], streams: Iterable[str]) -> bool:
        """Say whether nothing is parked for these rows or in these streams, and no letter holds one of the streams.

        It is one look at one moment: what moves from parked to held or back meanwhile is seen in one of them.
        """

    async def claim(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Put event ids into the inbox and say which are new. The claims have distinct ids."""

    async def waiting(
        self, waits: Iterable[Wait], streams: Iterable[str], limit: int, *, impatient_at: datetime | None = None
    ) -> list[ParkedRecord]:
        """Return parked messages, oldest first: of these streams, and of those that wait for these rows or too long.

        Streams come whole, so that their order is kept. Those that wait for a row are found by their oldest messages:
        `of_each` says how many.
        """

    async def load(self, rows: Rows, keys: Iterable[Key]) -> Mapping[Key, Any]:
        """Return the rows of these keys that exist, locked in the order of their keys where `rows.locked`."""

    async def take(self, deadlines: Iterable[DeadlineSet]) -> set[tuple[str, str]]:
        """Remove these deadlines and return (name, key) of those that were still set as given."""

    async def save(self, effects: Effects) -> None:
        """Write everything. Raises Poison or Conflict."""


class Store(Protocol):
    """Where a service keeps its rows, inbox, outbox, parked messages, deadlines and dead letters."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction."""

    async def due(self, now: datetime, limit: int) -> list[DeadlineSet]:
        """Return deadlines that have passed, the earliest first."""

    async def restless(self, now: datetime, limit: int) -> list[Wait]:
        """Return what messages wait for though it is there already, or have waited for too long."""

    async def retrying(self, limit: int) -> list[str]:
        """Return the ids of letters that somebody wants to be tried again, in the order of their records."""
