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
        FROM parked GROUP BY wait_kind, wait_key ORDER BY min(id) LIMIT $1
    )
    SELECT wait_kind, wait_key, messages, since, until, ARRAY(
        SELECT headers FROM parked WHERE (wait_kind, wait_key) = (waits.wait_kind, waits.wait_key)
        ORDER BY id LIMIT $2
    ) AS headers
    FROM waits ORDER BY since
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


async def is_led(connection: Any) -> bool:
    """Say whether a member of the service leads now: only then is anything fired, retried or published."""
    led: bool = await connection.fetchval(_LED, LEADER_LOCK)
    return led


async def waits(connection: Any) -> list[Waiting]:
    """Return what messages wait for, the longest first."""
    return [
        Waiting(
            kind=row["wait_kind"],
            key=row["wait_key"],
            messages=row["messages"],
            since=row["since"],
            gives_up_at=row["until"],
            types=tuple(sorted({kind for packed in row["headers"] if (kind := type_of(unpack(packed)))})),
        )
        for row in await connection.fetch(_WAITS, SHOWN_MAX, TYPES_OF_MAX)
    ]
