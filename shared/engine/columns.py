"""What statements are given: arrays, one a column, and rows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.engine.message import Outgoing
from shared.engine.packing import pack
from shared.engine.rows import Rows
from shared.engine.store import Claim, Parked, Wait


def claim_columns(claims: Sequence[Claim]) -> Sequence[Sequence[Any]]:
    """Return what `statements.claim` is given: ids in one order everywhere, so that nobody deadlocks."""
    ordered = sorted(claims, key=lambda claim: (claim.source, claim.id))
    sources, ids = [claim.source for claim in ordered], [claim.id for claim in ordered]
    return sources, ids, [claim.digest for claim in ordered], [datetime.now(UTC)] * len(ordered)


def look_columns(waits: Iterable[Wait], streams: Iterable[str]) -> Sequence[Sequence[str]]:
    """Return kinds and keys of what is waited for, and streams."""
    wanted = list(waits)
    return [wait.kind.__name__ for wait in wanted], [wait.key for wait in wanted], list(streams)


def key_columns(rows: Rows, keys: Sequence[Any]) -> Sequence[Sequence[str]]:
    """Return what `statements.load` is given: the columns of the primary key."""
    return [keys] if len(rows.key_columns()) == 1 else [list(column) for column in zip(*keys, strict=True)]


def parked_row(parked: Parked, now: datetime) -> Sequence[Any]:
    """Return a row of what is parked."""
    raw = parked.message.raw
    return (
        parked.wait.kind.__name__, parked.wait.key, parked.message.stream, parked.until, now, raw.topic,
        raw.partition, raw.offset, raw.timestamp_ms, raw.key, raw.value, pack(raw.headers),
    )  # fmt: skip


def outbox_row(record: Outgoing, now: datetime) -> Sequence[Any]:
    """Return a row of the outbox."""
    return record.topic, record.key, record.value, pack(record.headers), now
