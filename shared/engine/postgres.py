"""A store in PostgreSQL: one transaction a batch, and for a large one no more statements than a COPY a table."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import Table

from shared.engine import letterbox, statements
from shared.engine.columns import claim_columns, key_columns, look_columns, outbox_row, parked_row
from shared.engine.letters import Letter
from shared.engine.packing import raw_of
from shared.engine.rows import Key, Rows
from shared.engine.service import Service
from shared.engine.store import (
    Claim,
    Conflict,
    DeadlineSet,
    Effects,
    Held,
    ParkedRecord,
    Poison,
    Verdict,
    Wait,
    of_each,
)

READ_BY_INDEX = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
"""Settings of sessions that do a store's work: its statements name keys, or begin where an index does. What a table
holds when PostgreSQL counts it says little of what it holds a minute later, least of all of one that is mostly empty.
"""
_POISON = (
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.RaiseError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
_CONFLICT = (
    asyncpg.exceptions.UniqueViolationError,
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
)
# The bounds are of whole rows, and the order that of the index: a plan ends at the row that is wanted, and does not
# read all that waits for a much wanted one. The last order is of `id + 0`, since by the primary key, which is in the
# order of ids, a plan could read all that is parked.
_WAITING = """
    WITH oldest AS (
        SELECT found.id, found.stream
        FROM unnest($1::text[], $2::text[]) AS wanted(kind, key)
        CROSS JOIN LATERAL (
            SELECT id, stream FROM parked
            WHERE (wait_kind, wait_key, id) > (wanted.kind, wanted.key, 0)
                AND (wait_kind, wait_key) <= (wanted.kind, wanted.key)
            ORDER BY wait_kind, wait_key, id LIMIT $4
        ) AS found
        WHERE EXISTS (SELECT FROM parked)
    )
    SELECT * FROM parked WHERE stream = ANY($3 || ARRAY(
        SELECT stream FROM oldest
        UNION (SELECT stream FROM parked WHERE until <= $5 ORDER BY until LIMIT $6)
    )) ORDER BY id + 0 FOR UPDATE
"""
_IS_CLEAR = """
    SELECT NOT EXISTS (SELECT FROM dead_letters WHERE holds = ANY($3) AND holds <> '' AND state <> 'closed')
        AND NOT EXISTS (SELECT FROM parked WHERE stream = ANY($3))
        AND NOT EXISTS (
            SELECT FROM unnest($1::text[], $2::text[]) AS wanted(kind, key)
            CROSS JOIN LATERAL (
                SELECT FROM parked
                WHERE (wait_kind, wait_key, id) > (wanted.kind, wanted.key, 0)
                    AND (wait_kind, wait_key) <= (wanted.kind, wanted.key)
                ORDER BY wait_kind, wait_key, id LIMIT 1
            ) AS found
            WHERE EXISTS (SELECT FROM parked)
        )
"""
# `= ANY` says again what the join says, here and where letters are closed: whichever side a plan begins with, it reads
# only those named.
_MOVE = """
    UPDATE parked SET wait_kind = given.kind, wait_key = given.key, until = given.until
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) AS given(id, kind, key, until)
    WHERE parked.id = given.id AND parked.id = ANY($1)
"""
LOOKED_AT_MAX = 1_000
"""Parked messages that one tick looks at: all of them, but for days on which very many wait."""
COUNTED_MAX = 100_000
"""Rows that are counted: beyond them a number says no more, and takes time."""
COPIED_MIN = 100
"""Rows that are copied into a table: two exchanges with the server, and then half the work of an INSERT from arrays."""
_DEADLINE = ("name", "key", "due_at", "message_id", "traceparent")


class _Write(NamedTuple):
    """A statement, and the columns of the rows that it is given."""

    statement: str
    columns: Sequence[Sequence[Any]]
    guarded: str = ""
    """The table of which every given row must be written, or nothing is; empty where that does not matter."""


class PostgresStore:
    """All that a service keeps, in its own database."""

    def __init__(self, service: Service, pool: asyncpg.Pool) -> None:
        self.service, self.pool = service, pool
        tables = service.metadata.tables
        self.inbox, self.outbox = tables["inbox"], tables["outbox"]
        self.parked, self.deadlines = tables["parked"], tables["deadlines"]
        self.kinds = {rows.kind.__name__: rows.kind for rows in service.rows}
        self._restless, self._looked_upto = _restless(service), 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["PostgresTransaction"]:
        """Begin a transaction. Raises Conflict where the database says that trying again will help, else Poison."""
        async with self.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    yield PostgresTransaction(self, connection)
            except _CONFLICT as error:
                raise Conflict(_in_short(error)) from error
            except _POISON as error:
                raise Poison(_in_short(error)) from error

    async def due(self, now: datetime, limit: int) -> list[DeadlineSet]:
        """Return deadlines that have passed, the earliest first, and those of one time by name and key.

        Which of very many of one time it is that come first, PostgreSQL decides: to order them all would take too long.
        """
        rows = await self.pool.fetch(
            "SELECT name, key, due_at, message_id, traceparent FROM deadlines"
            " WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
            now,
            limit,
        )
        return sorted((DeadlineSet(*row) for row in rows), key=attrgetter("due_at", "name", "key"))

    async def restless(self, now: datetime, limit: int) -> list[Wait]:
        """Return what messages wait for though it is there already, or have waited for too long.

        Each call looks at LOOKED_AT_MAX messages, and the next one at those after them: what must not be missed need
        not be found at once, and a tick must not take longer for everything that waits.
        """
        [[self._looked_upto, waits]] = await self.pool.fetch(
            self._restless, now, limit, self._looked_upto, LOOKED_AT_MAX
        )
        return [Wait(self.kinds[kind], key) for kind, key in waits]

    async def retrying(self, limit: int) -> list[str]:
        """Return the ids of letters that somebody wants to be tried again, in the order of their records."""
        return await letterbox.retrying(self.pool, limit)

    async def unpublished(self) -> int:
        """Return how many records wait in the outbox; of very many, that there are many."""
        count: int = await self.pool.fetchval(
            "SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS counted", COUNTED_MAX
        )
        return count

    async def next_time(self) -> datetime | None:
        """Return when the next deadline or the next parked message falls due."""
        query = "SELECT least((SELECT min(due_at) FROM deadlines), (SELECT min(until) FROM parked))"
        earliest: datetime | None = await self.pool.fetchval(query)
        return earliest


def _in_short(error: Exception) -> str:
    """Return what a database refuses without what was given to it, which may name a customer."""
    return f"{type(error).__name__} {getattr(error, 'constraint_name', None) or ''}".strip()


def _restless(service: Service) -> str:
    """One query over all kinds of rows that a message can wait for: those whose key is a single text."""
    there = " ".join(
        f"OR (wait_kind = '{rows.kind.__name__}' AND EXISTS"
        f" (SELECT FROM {rows.name} WHERE {rows.key_columns()[0]} = wait_key OFFSET 0))"
        for rows in service.rows
        if not rows.append_only and len(rows.key_columns()) == 1
    )
    # Many messages may wait for one row, which is looked for once. The OFFSET keeps PostgreSQL from reading all keys of
    # a table instead, to have them at hand.
    return f"""
        WITH looked AS MATERIALIZED (
            SELECT id, wait_kind, wait_key FROM parked WHERE id > $3 ORDER BY id LIMIT $4
        ), impatient AS MATERIALIZED (
            SELECT id, wait_kind, wait_key FROM parked WHERE until <= $1 ORDER BY until LIMIT $4
        ), waits AS (
            SELECT wait_kind, wait_key, min(id) AS oldest FROM looked GROUP BY wait_kind, wait_key
        ), restless AS (
            SELECT wait_kind, wait_key, oldest FROM waits WHERE false {there}
            UNION SELECT wait_kind, wait_key, min(id) FROM impatient GROUP BY wait_kind, wait_key
            ORDER BY oldest LIMIT $2
        )
        SELECT (SELECT CASE count(*) WHEN $4 THEN max(id) ELSE 0 END FROM looked),
            ARRAY(SELECT (wait_kind, wait_key) FROM restless)
    """  # noqa: S608 - declared names only


class PostgresTransaction:
    """One transaction on one connection."""

    def __init__(self, store: PostgresStore, connection: Any) -> None:
        self._store, self._connection = store, connection
        self._versions: dict[tuple[type, Key], int] = {}
        self._codecs = store.service.codecs

    async def open(
        self,
        claims: Sequence[Claim],
        waits: Iterable[Wait],
        streams: Iterable[str],
        wanted: Mapping[type, Collection[Key]],
    ) -> tuple[list[Verdict], Mapping[type, Mapping[Key, Any]] | None]:
        """Claim, look whether all is clear, and load, by one statement (decision 0024).

        It sees what was there when it began, even where it waits for somebody else's claim of the same id. Once that is
        committed, the claim is not new: so nothing is looked at, or loaded, that may have changed.
        """
        rows_of = self._store.service.rows_of
        sought = {rows_of[kind]: list(keys) for kind, keys in wanted.items() if keys}
        opened = await self._connection.fetchrow(
            statements.opening(self._store.inbox, _IS_CLEAR, tuple(sought)),
            *claim_columns(claims),
            *look_columns(waits, streams),
            *(column for rows, keys in sought.items() for column in key_columns(rows, keys)),
        )
        sources, ids, may_load, *found = opened.values()
        if not may_load:
            return await self._judge(claims, {*zip(sources or (), ids or (), strict=True)}), None
        loaded: dict[type, Mapping[Key, Any]] = {kind: {} for kind in wanted}
        columns = iter(found)
        for rows in sought:
            names = rows.table.columns.keys()
            records = zip(*(next(columns) or () for _ in names), strict=True)
            loaded[rows.kind] = self._values(rows, (dict(zip(names, record, strict=True)) for record in records))
        return [Verdict.FRESH] * len(claims), loaded

    async def letters(self, ids: Iterable[str]) -> list[Letter]:
        """Return those of these letters that are still to be retried, locked, in the order of their records."""
        return await letterbox.take(self._connection, ids)

    async def holding(self, streams: Iterable[str]) -> list[Held]:
        """Return what letters that are not closed hold of these streams."""
        return await letterbox.holding(self._connection, streams)

    async def is_clear(self, waits: Iterable[Wait], streams: Iterable[str]) -> bool:
        """Say whether nothing is parked for these rows or in these streams, and no letter holds one of the streams."""
        is_clear: bool = await self._connection.fetchval(_IS_CLEAR, *look_columns(waits, streams))
        return is_clear

    async def claim(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Put event ids into the inbox and say which are new, in one order everywhere so that nobody deadlocks."""
        fresh = await self._connection.fetch(statements.claim(self._store.inbox), *claim_columns(claims))
        return await self._judge(claims, {(row["source"], row["id"]) for row in fresh})

    async def _judge(self, claims: Sequence[Claim], new: Set[tuple[str, str]]) -> list[Verdict]:
        """Say of claims what the inbox does, of which those are new."""
        if len(new) == len(claims):
            return [Verdict.FRESH] * len(claims)
        seen = [claim for claim in claims if (claim.source, claim.id) not in new]
        before = await self._digests(seen)
        return [
            Verdict.FRESH
            if (claim.source, claim.id) in new
            else Verdict.REPEATED
            if before.get((claim.source, claim.id)) == claim.digest
            else Verdict.REUSED
            for claim in claims
        ]

    async def _digests(self, claims: Sequence[Claim]) -> dict[tuple[str, str], int]:
        rows = await self._connection.fetch(
            statements.digests(self._store.inbox), [claim.source for claim in claims], [claim.id for claim in claims]
        )
        return {(row["source"], row["id"]): row["digest"] for row in rows}

    async def waiting(
        self, waits: Iterable[Wait], streams: Iterable[str], limit: int, *, impatient_at: datetime | None = None
    ) -> list[ParkedRecord]:
        """Return parked messages, oldest first: of these streams, and of those that wait for these rows or too long."""
        wanted = list(waits)
        each = of_each(limit, len(wanted))
        rows = await self._connection.fetch(_WAITING, *look_columns(wanted, streams), each, impatient_at, limit)
        return [
            ParkedRecord(
                row["id"], raw_of(row), Wait(self._store.kinds[row["wait_kind"]], row["wait_key"]), row["until"]
            )
            for row in rows
        ]

    async def load(self, rows: Rows, keys: Iterable[Key]) -> Mapping[Key, Any]:
        """Return the rows of these keys that exist, locked in the order of their keys where `rows.locked`."""
        return self._values(rows, await self._connection.fetch(statements.load(rows), *key_columns(rows, list(keys))))

    def _values(self, rows: Rows, records: Iterable[Mapping[str, Any]]) -> Mapping[Key, Any]:
        codec = self._codecs[rows.kind]
        found: dict[Key, Any] = {}
        for record in records:
            value = codec.to_value(record)
            key = codec.key_of(value)
            found[key] = value
            self._versions[rows.kind, key] = record["version"]
        return found

    async def take(self, deadlines: Iterable[DeadlineSet]) -> set[tuple[str, str]]:
        """Remove these deadlines and return those that were still set as given."""
        given = list(deadlines)
        statement = statements.drop_deadlines(self._store.deadlines, by=("name", "key", "message_id", "due_at"))
        columns = [[getattr(each, name) for each in given] for name in ("name", "key", "message_id", "due_at")]
        return {(row["name"], row["key"]) for row in await self._connection.fetch(statement, *columns)}

    async def save(self, effects: Effects) -> None:
        """Write everything. Raises Conflict where somebody else changed a row in between.

        Events get their ids of the outbox after the rows that they follow from were locked, when they were loaded;
        where there was none to be locked, the versions let one of two through, and the other one loads again.
        """
        if effects.unparked:
            await self._connection.execute("DELETE FROM parked WHERE id = ANY($1)", effects.unparked)
        if effects.moved:
            moved = [(each.id, each.wait.kind.__name__, each.wait.key, each.until) for each in effects.moved]
            await self._connection.execute(_MOVE, *zip(*moved, strict=True))
        if effects.letters:
            await letterbox.put(self._connection, effects.letters)
        if effects.closed:
            await letterbox.close(self._connection, effects.closed)
        writes = [*self._changes(effects), *self._deadlines(effects)]
        copies: list[tuple[Table, list[Sequence[Any]]]] = []
        for table, records in self._appended(effects):
            # In their order, whatever their number: a trigger may ask of a table what was written to one before it.
            if copies or len(records) >= COPIED_MIN:
                copies.append((table, records))
            else:
                writes.append(_Write(statements.append(table), [*zip(*records, strict=True)]))
        await self._write(writes)
        for table, records in copies:
            await self._copy(table, records)

    async def _write(self, writes: Sequence[_Write]) -> None:
        """Carry out writes in one statement: to send another costs more than to carry out one of a small batch."""
        if not writes:
            return
        statement = statements.together(tuple(write.statement for write in writes))
        written = await self._connection.fetchrow(statement, *(column for write in writes for column in write.columns))
        for write, count in zip(writes, written, strict=True):
            if write.guarded and count != len(write.columns[0]):
                raise Conflict(f"somebody else changed {write.guarded} in between")

    def _changes(self, effects: Effects) -> Iterator[_Write]:
        for rows in self._store.service.rows:
            if not (changed := effects.changed.get(rows.kind)):
                continue
            codec = self._codecs[rows.kind]
            records = [
                [*codec.to_row(value), self._versions.get((rows.kind, key), 0) + 1]
                for key, value in sorted(changed.items(), key=lambda item: str(item[0]))
            ]
            by_name = dict(zip([*codec.columns, "version"], zip(*records, strict=True), strict=True))
            columns = [by_name[column.name] for column in rows.table.columns]
            yield _Write(statements.save(rows), columns, guarded=rows.name)

    def _deadlines(self, effects: Effects) -> Iterator[_Write]:
        table, deadlines = self._store.deadlines, effects.deadlines
        if kept := sorted((each for each in deadlines.values() if each), key=lambda each: (each.name, each.key)):
            columns = [[getattr(each, name) for each in kept] for name in _DEADLINE]
            yield _Write(statements.put_deadlines(table), columns)
        if gone := sorted(identity for identity, each in deadlines.items() if each is None):
            yield _Write(statements.drop_deadlines(table), [*zip(*gone, strict=True)])

    def _appended(self, effects: Effects) -> Iterator[tuple[Table, list[Sequence[Any]]]]:
        """Give the rows that are new in any case: of journals, of what is parked, and of the outbox, the last."""
        for rows in self._store.service.rows:
            if appended := effects.appended.get(rows.kind):
                codec = self._codecs[rows.kind]
                yield rows.table, [codec.to_row(value) for value in appended]
        now = datetime.now(UTC)
        if effects.parked:
            yield self._store.parked, [parked_row(parked, now) for parked in effects.parked]
        if effects.outgoing:
            yield self._store.outbox, [outbox_row(record, now) for record in effects.outgoing]

    async def _copy(self, table: Table, records: Sequence[Sequence[Any]]) -> None:
        columns = [column.name for column in statements.filled(table)]
        await self._connection.copy_records_to_table(table.name, records=records, columns=columns)
