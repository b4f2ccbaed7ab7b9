"""A store in memory, for simulations and tests: the same promise as PostgreSQL's, with nothing behind it."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any, Literal

from shared.engine.letters import Letter, Outcome
from shared.engine.message import Outgoing
from shared.engine.rows import Key, Rows
from shared.engine.service import Service
from shared.engine.store import Claim, DeadlineSet, Effects, Held, Parked, ParkedRecord, Verdict, Wait, of_each
from shared.kernel.value import Value, replace


class KeptLetter(Value):
    """A dead letter as it is kept."""

    letter: Letter
    state: Literal["open", "retrying", "closed"] = "open"
    attempts: int = 1
    outcome: Outcome | None = None


class MemoryStore:
    """All that a service keeps, in dictionaries. `outbox` is what waits to be published, oldest first."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.rows: dict[type, dict[Key, Any]] = {rows.kind: {} for rows in service.rows if not rows.append_only}
        self.journals: dict[type, list[Any]] = {rows.kind: [] for rows in service.rows if rows.append_only}
        self.inbox: dict[tuple[str, str], int] = {}
        self.outbox: list[Outgoing] = []
        self.parked: dict[int, Parked] = {}
        self.deadlines: dict[tuple[str, str], DeadlineSet] = {}
        self.letters: dict[str, KeptLetter] = {}
        self.parked_ids = count(1)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["MemoryTransaction"]:
        """Begin a transaction: nothing is written before all of it is."""
        transaction = MemoryTransaction(self)
        yield transaction
        transaction.commit()

    async def due(self, now: datetime, limit: int) -> list[DeadlineSet]:
        """Return deadlines that have passed, the earliest first."""
        passed = [deadline for deadline in self.deadlines.values() if deadline.due_at <= now]
        return sorted(passed, key=lambda each: (each.due_at, each.name, each.key))[:limit]

    async def restless(self, now: datetime, limit: int) -> list[Wait]:
        """Return what messages wait for though it is there already, or have waited for too long."""
        waits = {
            parked.wait: None
            for parked in self.parked.values()
            if parked.until <= now or parked.wait.key in self.rows[parked.wait.kind]
        }
        return list(waits)[:limit]

    async def retrying(self, limit: int) -> list[str]:
        """Return the ids of letters that somebody wants to be tried again, in the order of their records."""
        retried = [kept.letter for kept in self.letters.values() if kept.state == "retrying"]
        return [letter.id for letter in sorted(retried, key=_place)[:limit]]

    def retry(self, letter_ids: Iterable[str]) -> None:
        """Want open letters to be tried again, as a person does."""
        for letter_id in letter_ids:
            if (kept := self.letters[letter_id]).state == "open":
                self.letters[letter_id] = replace(kept, state="retrying")

    def next_time(self) -> datetime | None:
        """Return when the next deadline or the next parked message falls due."""
        times = [each.due_at for each in self.deadlines.values()] + [each.until for each in self.parked.values()]
        return min(times, default=None)


def _place(letter: Letter) -> tuple[str, int, int]:
    return letter.raw.topic, letter.raw.partition, letter.raw.offset


class MemoryTransaction:
    """Collects what to write; `commit` writes it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._claimed: dict[tuple[str, str], int] = {}
        self._taken: set[tuple[str, str]] = set()
        self._effects = Effects()

    async def open(
        self,
        claims: Sequence[Claim],
        waits: Iterable[Wait],
        streams: Iterable[str],
        wanted: Mapping[type, Collection[Key]],
    ) -> tuple[list[Verdict], Mapping[type, Mapping[Key, Any]] | None]:
        """Claim, look whether all is clear, and load."""
        verdicts = await self.claim(claims)
        if verdicts.count(Verdict.FRESH) < len(verdicts) or not await self.is_clear(waits, streams):
            return verdicts, None
        rows_of = self._store.service.rows_of
        return verdicts, {kind: await self.load(rows_of[kind], keys) for kind, keys in wanted.items()}

    async def letters(self, ids: Iterable[str]) -> list[Letter]:
        """Return those of these letters that are still to be retried, in the order of their records."""
        kept = [self._store.letters[each] for each in ids]
        return sorted((each.letter for each in kept if each.state == "retrying"), key=_place)

    async def holding(self, streams: Iterable[str]) -> list[Held]:
        """Return what letters that are not closed hold of these streams."""
        wanted = set(streams)
        return [
            Held(kept.letter.holds, kept.letter.id, kept.letter.raw.offset)
            for kept in self._store.letters.values()
            if kept.state != "closed" and kept.letter.holds in wanted
        ]

    async def is_clear(self, waits: Iterable[Wait], streams: Iterable[str]) -> bool:
        """Say whether nothing is parked for these rows or in these streams, and no letter holds one of the streams."""
        wanted, rows = set(streams), set(waits)
        parked = any(each.message.stream in wanted or each.wait in rows for each in self._store.parked.values())
        return not parked and not await self.holding(wanted)

    async def claim(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Put event ids into the inbox and say which are new."""
        verdicts = []
        for claim in claims:
            identity = claim.source, claim.id
            before = self._claimed.get(identity, self._store.inbox.get(identity))
            if before is None:
                self._claimed[identity] = claim.digest
            verdicts.append(
                Verdict.FRESH if before is None else Verdict.REPEATED if before == claim.digest else Verdict.REUSED
            )
        return verdicts

    async def waiting(
        self, waits: Iterable[Wait], streams: Iterable[str], limit: int, *, impatient_at: datetime | None = None
    ) -> list[ParkedRecord]:
        """Return parked messages, oldest first: of these streams, and of those that wait for these rows or too long."""
        parked, left = self._store.parked, dict.fromkeys(waits, 0)
        left = dict.fromkeys(left, of_each(limit, len(left)))
        wanted = set(streams)
        for each in parked.values():
            if left.get(each.wait, 0) > 0:
                left[each.wait] -= 1
                wanted.add(each.message.stream)
            if impatient_at is not None and each.until <= impatient_at:
                wanted.add(each.message.stream)
        return [
            ParkedRecord(parked_id, each.message.raw, each.wait, each.until)
            for parked_id, each in parked.items()
            if each.message.stream in wanted
        ]

    async def load(self, rows: Rows, keys: Iterable[Key]) -> Mapping[Key, Any]:
        """Return the rows of these keys that exist."""
        table = self._store.rows[rows.kind]
        return {key: table[key] for key in keys if key in table}

    async def take(self, deadlines: Iterable[DeadlineSet]) -> set[tuple[str, str]]:
        """Remove these deadlines and return those that were still set as given."""
        self._taken = {
            (each.name, each.key) for each in deadlines if self._store.deadlines.get((each.name, each.key)) == each
        }
        return self._taken

    async def save(self, effects: Effects) -> None:
        """Remember what to write."""
        self._effects = effects

    def commit(self) -> None:
        """Write it."""
        store, effects = self._store, self._effects
        store.inbox.update(self._claimed)
        for kind, changed in effects.changed.items():
            store.rows[kind].update(changed)
        for kind, appended in effects.appended.items():
            store.journals[kind].extend(appended)
        store.outbox.extend(effects.outgoing)
        for identity in self._taken:
            store.deadlines.pop(identity, None)
        for identity, deadline in effects.deadlines.items():
            store.deadlines.pop(identity, None)
            if deadline is not None:
                store.deadlines[identity] = deadline
        for parked_id in effects.unparked:
            store.parked.pop(parked_id, None)
        for moved in effects.moved:
            assert moved.id is not None
            store.parked[moved.id] = moved
        for parked in effects.parked:
            parked_id = next(store.parked_ids)
            store.parked[parked_id] = replace(parked, id=parked_id)
        for letter in effects.letters:
            before = store.letters.get(letter.id)
            first, attempts = (before.letter.first_failed_at, before.attempts) if before else (letter.failed_at, 0)
            store.letters[letter.id] = KeptLetter(replace(letter, first_failed_at=first), attempts=attempts + 1)
        for letter_id, outcome in effects.closed.items():
            store.letters[letter_id] = replace(store.letters[letter_id], state="closed", outcome=outcome)
