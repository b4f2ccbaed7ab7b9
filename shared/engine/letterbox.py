"""Where a service keeps its dead letters: the engine puts them in and takes them out, people look and decide.

A letter is open until somebody wants it tried again; then the leader's next tick takes it, decides about it and closes
it, in one transaction. Its row is the guard: who takes it holds it, and nobody else finds it to be retried afterwards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.engine.letters import Letter, Outcome, kept
from shared.engine.message import OUTSIDE_TOPICS, Headers
from shared.engine.packing import pack, raw_of, unpack
from shared.engine.store import Held

SHOWN_MAX = 1_000
"""Letters that a list shows, those that failed first; more are for `retry --reason`, not for reading."""

RETRIED_BYTES_MAX = 8_000_000
"""Keys, values and headers of the letters of one transaction, save those of the last one."""

_RETRYING = """
    SELECT id FROM (
        SELECT id, sum(octet_length(headers) + coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0))
            OVER (ORDER BY topic, partition, record_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM dead_letters WHERE state = 'retrying' ORDER BY topic, partition, record_offset LIMIT $1
    ) AS first WHERE coalesce(before, 0) < $2
"""
# The order is of whole rows, so that no plan follows the index of all that are to be retried.
_TAKE = """
    SELECT * FROM dead_letters WHERE id = ANY($1) AND state = 'retrying'
    ORDER BY (topic, partition, record_offset) FOR UPDATE
"""
_PUT = """
    INSERT INTO dead_letters (id, topic, partition, record_offset, timestamp_ms, type, key, value, headers, reason,
        detail, handler, claimed, first_failed_at, failed_at, holds, state, attempts)
    SELECT given.*, 'open', 1 FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[],
        $6::text[], $7::bytea[], $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::boolean[],
        $14::timestamptz[], $15::timestamptz[], $16::text[]) AS given
    ON CONFLICT (id) DO UPDATE SET
        state = 'open', attempts = dead_letters.attempts + 1, outcome = NULL, note = NULL, closed_at = NULL,
        type = excluded.type, key = excluded.key, value = excluded.value, headers = excluded.headers,
        reason = excluded.reason, detail = excluded.detail, handler = excluded.handler, claimed = excluded.claimed,
        failed_at = excluded.failed_at, holds = excluded.holds
"""
_HOLDING = """
    SELECT holds, id, record_offset FROM dead_letters WHERE holds = ANY($1) AND holds <> '' AND state <> 'closed'
"""
# `= ANY`: see `_MOVE` in postgres.py.
_CLOSE = """
    UPDATE dead_letters
    SET state = 'closed', outcome = given.outcome, closed_at = now(),
        key = NULL, value = NULL, headers = NULL, holds = ''
    FROM unnest($1::text[], $2::text[]) AS given(id, outcome)
    WHERE dead_letters.id = given.id AND dead_letters.id = ANY($1)
"""
_ENTRIES = """
    WITH shown AS (SELECT * FROM dead_letters WHERE {which}), first AS (
        SELECT DISTINCT ON (holds) holds, id, record_offset FROM dead_letters
        WHERE state <> 'closed' AND holds <> '' AND holds IN (SELECT holds FROM shown) ORDER BY holds, record_offset
    )
    SELECT shown.id, state, attempts, topic, partition, shown.record_offset, type, key, reason, detail, handler,
        first_failed_at, failed_at, outcome, note, closed_at,
        CASE WHEN first.record_offset < shown.record_offset THEN first.id END
    FROM shown LEFT JOIN first USING (holds) ORDER BY {order}
"""
_LIST = _ENTRIES.format(
    which="""state <> 'closed' AND ($1::text IS NULL OR reason = $1) AND ($2::bytea IS NULL OR key = $2)
        ORDER BY first_failed_at, topic, partition, record_offset LIMIT $3""",
    order="first_failed_at, topic, partition, shown.record_offset",
)
_COUNTS = """
    SELECT reason, count(*), count(*) FILTER (WHERE state = 'retrying'), min(first_failed_at) FROM dead_letters
    WHERE state <> 'closed' AND ($1::text IS NULL OR reason = $1) AND ($2::bytea IS NULL OR key = $2) GROUP BY reason
"""
_LIST_CLOSED = _ENTRIES.format(
    which="state = 'closed' AND ($1::text IS NULL OR reason = $1) ORDER BY closed_at DESC, id LIMIT $2",
    order="closed_at DESC, id",
)
_COUNT_CLOSED = "SELECT count(*) FROM dead_letters WHERE state = 'closed' AND ($1::text IS NULL OR reason = $1)"
_ONE = _ENTRIES.format(which="id = $1", order="id")
_STANDING = """
    SELECT id, state, attempts, reason, outcome, closed_at, note, (
        SELECT id FROM dead_letters AS earlier
        WHERE holds = letter.holds AND holds <> '' AND state <> 'closed' AND record_offset < letter.record_offset
        ORDER BY record_offset LIMIT 1
    )
    FROM dead_letters AS letter WHERE id = ANY($1)
"""
# What was too large to be kept is too large to be read. Those that wait already are not touched: the leader may hold
# them for as long as it decides.
_RETRY = """
    WITH wanted AS (
        SELECT id, attempts, state = 'retrying' AS waits, topic, partition, record_offset FROM dead_letters
        WHERE state <> 'closed' AND ($1::text[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR reason = $2)
            AND NOT (reason = 'value-too-large' AND value IS NULL)
    ), locked AS (
        SELECT id FROM dead_letters WHERE state = 'open' AND id IN (SELECT id FROM wanted WHERE NOT waits)
        ORDER BY topic, partition, record_offset FOR UPDATE
    ), marked AS (
        UPDATE dead_letters SET state = 'retrying' FROM locked WHERE dead_letters.id = locked.id
    )
    SELECT id, attempts, waits FROM wanted ORDER BY topic, partition, record_offset
"""
_UNCLOSED = """
    SELECT id FROM dead_letters WHERE state <> 'closed' AND reason = $1
    ORDER BY first_failed_at, topic, partition, record_offset
"""
# Of each stream the first letter that goes counts: whatever comes after it stands behind it.
_STAKE = """
    WITH going AS (SELECT topic, holds, record_offset FROM dead_letters WHERE id = ANY($1) AND state <> 'closed'),
    heads AS (SELECT holds, min(record_offset) AS record_offset FROM going WHERE holds <> '' GROUP BY holds)
    SELECT (SELECT count(*) FROM going WHERE topic <> ALL($2)), (
        SELECT count(*) FROM dead_letters AS later JOIN heads USING (holds)
        WHERE later.state <> 'closed' AND later.record_offset > heads.record_offset AND later.id <> ALL($1)
    ), (
        SELECT count(*) FROM parked JOIN heads ON stream = holds AND parked.record_offset > heads.record_offset
    )
"""
_DISCARD = """
    UPDATE dead_letters SET state = 'closed', outcome = 'discarded', note = $2, closed_at = now(),
        key = NULL, value = NULL, headers = NULL, holds = ''
    WHERE id = ANY($1) AND state <> 'closed' RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list tells of a letter: never its value, which may name a customer."""

    id: str
    state: str
    attempts: int
    topic: str
    partition: int
    record_offset: int
    type: str
    key: bytes | None
    reason: str
    detail: str
    handler: str
    first_failed_at: datetime
    failed_at: datetime
    outcome: Outcome | None
    note: str | None
    closed_at: datetime | None
    behind: str | None
    """The first of the letters that hold its stream and came before it."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many letters that are not closed have a reason."""

    reason: str
    letters: int
    retrying: int
    """Of these, how many somebody wants to be tried again."""
    since: datetime
    """When the first of them failed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter that is to be tried again."""

    id: str
    attempts: int
    """So far: what failed more often was tried since."""
    waits: bool
    """Whether it was to be tried again before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a letter."""

    id: str
    state: str
    attempts: int
    reason: str
    outcome: Outcome | None
    closed_at: datetime | None
    note: str | None
    behind: str | None
    """The first of the letters that hold its stream and came before it."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What hangs on letters that are to be discarded."""

    own: int
    """How many of them tell what one of Tekil's services decided: it says so once."""
    letters_behind: int
    """How many others came after them in their streams, and are not decided before they are closed."""
    parked_behind: int


async def retrying(connection: Any, limit: int, *, bytes_max: int = RETRIED_BYTES_MAX) -> list[str]:
    """Return the ids of letters that somebody wants to be tried again, in the order of their records.

    They are one at least, and as many as begin within `bytes_max`.
    """
    return [row["id"] for row in await connection.fetch(_RETRYING, limit, bytes_max)]


async def take(connection: Any, ids: Iterable[str]) -> list[Letter]:
    """Lock those of these letters that are still to be retried, and return them in the order of their records."""
    return [_letter(row) for row in await connection.fetch(_TAKE, list(ids))]


async def holding(connection: Any, streams: Iterable[str]) -> list[Held]:
    """Return what letters that are not closed hold of these streams."""
    return [Held(*row) for row in await connection.fetch(_HOLDING, list(streams))]


async def put(connection: Any, letters: Iterable[Letter]) -> None:
    """Keep letters as open. One that was there is the same letter, set aside once more."""
    rows = [_row(letter) for letter in sorted(letters, key=lambda letter: letter.id)]
    await connection.execute(_PUT, *zip(*rows, strict=True))


async def close(connection: Any, outcomes: Mapping[str, Outcome]) -> None:
    """Close letters, and forget what they said."""
    await connection.execute(_CLOSE, list(outcomes), list(outcomes.values()))


async def entries(
    connection: Any, *, reason: str | None = None, key: bytes | None = None
) -> tuple[list[Entry], list[Count]]:
    """Return the letters that are not closed, those that failed first in front, SHOWN_MAX at most; and count all.

    Those of a reason or a Kafka key, where one is given.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        shown = [Entry(*row) for row in await connection.fetch(_LIST, reason, key, SHOWN_MAX)]
        return shown, [Count(*row) for row in await connection.fetch(_COUNTS, reason, key)]


async def closed(connection: Any, *, reason: str | None = None) -> tuple[list[Entry], int]:
    """Return the letters that are closed, those closed last in front, SHOWN_MAX at most; and how many there are."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        shown = [Entry(*row) for row in await connection.fetch(_LIST_CLOSED, reason, SHOWN_MAX)]
        return shown, await connection.fetchval(_COUNT_CLOSED, reason)


async def reasons(connection: Any) -> set[str]:
    """Return the reasons of all letters, closed ones too."""
    return {row["reason"] for row in await connection.fetch("SELECT DISTINCT reason FROM dead_letters")}


async def entry(connection: Any, letter_id: str) -> Entry | None:
    """Return a letter, closed ones too."""
    row = await connection.fetchrow(_ONE, letter_id)
    return Entry(*row) if row else None


async def content(connection: Any, letter_id: str) -> tuple[Headers, bytes | None]:
    """Return the headers and the value of a letter; of a closed one there are none any more."""
    row = await connection.fetchrow("SELECT headers, value FROM dead_letters WHERE id = $1", letter_id)
    return (unpack(row["headers"]) if row["headers"] is not None else ()), row["value"]


async def standing(connection: Any, ids: Iterable[str]) -> list[Standing]:
    """Return how it stands with these letters; of unknown ones nothing."""
    return [Standing(*row) for row in await connection.fetch(_STANDING, list(ids))]


async def retry(connection: Any, *, ids: Sequence[str] | None = None, reason: str | None = None) -> list[Wanted]:
    """Want letters to be tried again: these, or those of a reason, or all. Return those that are to be now.

    Closed ones are not among them, nor what was too large to be kept.
    """
    return [Wanted(*row) for row in await connection.fetch(_RETRY, ids, reason)]


async def unclosed(connection: Any, *, reason: str) -> list[str]:
    """Return the ids of the letters with a reason that are not closed, those that failed first in front."""
    return [row["id"] for row in await connection.fetch(_UNCLOSED, reason)]


async def stake(connection: Any, ids: Iterable[str]) -> Stake:
    """Return what hangs on letters that are to be discarded together."""
    return Stake(*await connection.fetchrow(_STAKE, list(ids), list(OUTSIDE_TOPICS)))


async def discard(connection: Any, ids: Iterable[str], *, note: str) -> set[str]:
    """Close letters without trying them again, and say why. Return those that were not closed before."""
    return {row["id"] for row in await connection.fetch(_DISCARD, list(ids), note)}


def _row(letter: Letter) -> Sequence[Any]:
    raw = kept(letter.raw)
    return (
        letter.id, raw.topic, raw.partition, raw.offset, raw.timestamp_ms, letter.type, raw.key, raw.value,
        pack(raw.headers), letter.reason, letter.detail, letter.handler, letter.claimed, letter.first_failed_at,
        letter.failed_at, letter.holds,
    )  # fmt: skip


def _letter(row: Any) -> Letter:
    return Letter(
        raw=raw_of(row),
        type=row["type"],
        reason=row["reason"],
        detail=row["detail"],
        handler=row["handler"],
        claimed=row["claimed"],
        first_failed_at=row["first_failed_at"],
        failed_at=row["failed_at"],
        holds=row["holds"],
    )
