"""What people see of a service's engine through its database: whether anybody leads it, and what waits for what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.engine.letters import type_of
from shared.engine.packing import unpack
from shared.engine.relay import LEADER_LOCK

SHOWN_MAX = 1_000
"""Waits that a list shows, those of the oldest messages."""
TYPES_OF_MAX = 20
"""Messages of a wait, the oldest ones, whose types are told."""

_LED = """
    SELECT EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND objid = $1 AND granted AND datname = current_database()
    )
"""
_WAITS = """
    WITH waits AS (
        SELECT wait_kind, wait_key, count(*) AS messages, min(since) AS since, min(until) AS until
        FROM parked WHERE $3::bytea IS NULL OR key = $3 GROUP BY wait_kind, wait_key ORDER BY min(id) LIMIT $1
    )
    SELECT wait_kind, wait_key, messages, since, until, ARRAY(
        SELECT headers FROM parked WHERE (wait_kind, wait_key) = (waits.wait_kind, waits.wait_key)
            AND ($3::bytea IS NULL OR key = $3)
        ORDER BY id LIMIT $2
    ) AS headers
    FROM waits ORDER BY since
"""
_UNSETTLED = """
    SELECT (SELECT count(*) FROM dead_letters WHERE state <> 'closed'), (SELECT count(*) FROM parked)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What messages wait for, and since when."""

    kind: str
    """Of row, such as `Location`."""
    key: str
    messages: int
    since: datetime
    gives_up_at: datetime
    """When the first of them loses patience."""
    types: tuple[str, ...]
    """Of the oldest of them, as far as their headers say."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """How much a service has not decided that it has read."""

    dead_letters: int
    """Those that are not closed."""
    parked: int


async def is_led(connection: Any) -> bool:
    """Say whether a member of the service leads now: only then is anything fired, retried or published."""
    led: bool = await connection.fetchval(_LED, LEADER_LOCK)
    return led


async def unsettled(connection: Any) -> Unsettled:
    """Count what a service has read and not decided."""
    return Unsettled(*await connection.fetchrow(_UNSETTLED))


async def waits(connection: Any, *, key: bytes | None = None) -> list[Waiting]:
    """Return what messages wait for, the longest first: all messages, or those of a Kafka key."""
    return [
        Waiting(
            kind=row["wait_kind"],
            key=row["wait_key"],
            messages=row["messages"],
            since=row["since"],
            gives_up_at=row["until"],
            types=tuple(sorted({kind for packed in row["headers"] if (kind := type_of(unpack(packed)))})),
        )
        for row in await connection.fetch(_WAITS, SHOWN_MAX, TYPES_OF_MAX, key)
    ]
