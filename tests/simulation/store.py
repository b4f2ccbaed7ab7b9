"""A store in memory whose transactions overlap as PostgreSQL's do.

A transaction may be held up between deciding and committing. Where PostgreSQL would have made another one wait for a
lock, this one finds at its commit that it came second, and is decided again: the outcome is the same.
"""

from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import coroutine
from typing import Any

from shared.engine.letters import Letter
from shared.engine.memory import KeptLetter, MemoryStore, MemoryTransaction
from shared.engine.message import Outgoing
from shared.engine.rows import Key, Rows
from shared.engine.service import Service
from shared.engine.store import Conflict, DeadlineSet, Effects, Parked, ParkedRecord, Wait


@coroutine
def _held_up() -> Generator[None, None, None]:
    yield


class OverlappingStore(MemoryStore):
    """A MemoryStore with an outbox whose ids are drawn before the commit. `holding` holds up the next commits."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.holding = False
        self.unpublished: dict[int, Outgoing] = {}
        """The outbox by id."""
        self.outbox_id = 0
        self.locks: Counter[tuple[type, Key]] = Counter()
        """How many transactions have locked a row, so far."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["OverlappingTransaction"]:
        """Begin a transaction. Raises Conflict at its end where another one changed what it looked at."""
        transaction = OverlappingTransaction(self)
        yield transaction
        if self.holding:
            await _held_up()
        transaction.commit()

    def copy_from(self, other: "OverlappingStore") -> None:
        """Begin with what another store holds; rows are values, so that they can be shared."""
        self.rows = {kind: dict(rows) for kind, rows in other.rows.items()}
        self.journals = {kind: list(values) for kind, values in other.journals.items()}
        self.deadlines = dict(other.deadlines)


class OverlappingTransaction(MemoryTransaction):
    """Remembers what it looked at."""

    def __init__(self, store: OverlappingStore) -> None:
        super().__init__(store)
        self._shared = store
        self._seen: dict[tuple[type, Key], Any] = {}
        self._locked: dict[tuple[type, Key], int] = {}
        self._parked: dict[int, Parked] = {}
        self._letters: dict[str, KeptLetter] = {}
        self._ids = range(0)
        self._given: list[DeadlineSet] = []

    async def waiting(
        self, waits: Iterable[Wait], streams: Iterable[str], limit: int, *, impatient_at: datetime | None = None
    ) -> list[ParkedRecord]:
        """Return the parked messages, which nobody else can take until the end of this transaction."""
        if not self._shared.parked:
            return []
        found = await super().waiting(waits, streams, limit, impatient_at=impatient_at)
        self._parked = {each.id: self._shared.parked[each.id] for each in found}
        return found

    async def letters(self, ids: Iterable[str]) -> list[Letter]:
        """Return the letters to be retried, which nobody else can take until the end of this transaction."""
        found = await super().letters(ids)
        self._letters = {each.id: self._shared.letters[each.id] for each in found}
        return found

    async def load(self, rows: Rows, keys: Iterable[Key]) -> Mapping[Key, Any]:
        """Return the rows of these keys that exist."""
        found = await super().load(rows, keys)
        for key, row in found.items():
            self._seen[rows.kind, key] = row
        if rows.locked:
            self._locked |= {(rows.kind, key): self._shared.locks[rows.kind, key] for key in found}
        return found

    async def save(self, effects: Effects) -> None:
        """Remember what to write, and draw the ids of the outbox."""
        await super().save(effects)
        first = self._shared.outbox_id + 1
        self._shared.outbox_id += len(effects.outgoing)
        self._ids = range(first, first + len(effects.outgoing))

    async def take(self, deadlines: Iterable[DeadlineSet]) -> set[tuple[str, str]]:
        """Remove these deadlines and return those that were still set as given."""
        self._given = list(deadlines)
        return await super().take(self._given)

    def commit(self) -> None:
        """Write it, unless another transaction got ahead. Raises Conflict."""
        if self.overtaken():
            raise Conflict("another transaction got ahead")
        super().commit()
        store = self._shared
        store.locks.update(self._locked.keys())
        store.unpublished.update(zip(self._ids, store.outbox, strict=True))
        store.outbox.clear()

    def overtaken(self) -> bool:
        """Say whether what this transaction stands on has changed since."""
        store = self._shared
        changed = ((kind, key) for kind, rows in self._effects.changed.items() for key in rows)
        return (
            any(store.locks[row] != locks for row, locks in self._locked.items())
            or any(store.rows[kind].get(key) is not self._seen.get((kind, key)) for kind, key in changed)
            or any(store.parked.get(parked_id) is not each for parked_id, each in self._parked.items())
            or any(store.letters.get(letter_id) is not each for letter_id, each in self._letters.items())
            or any(identity in store.inbox for identity in self._claimed)
            or any(
                (each.name, each.key) in self._taken and store.deadlines.get((each.name, each.key)) != each
                for each in (self._given if self._taken else ())
            )
        )
