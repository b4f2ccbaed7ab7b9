"""Derived ids: the same cause gives the same ids, in a replay, in a simulation, on another machine."""

from datetime import UTC, datetime
from hashlib import blake2b

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_MAX_MS = (1 << 48) - 1


def derive(*, cause: str, maker: str, name: str | int, time_ms: int) -> str:
    """Return the id of what `maker` made as its `name` (an ordinal or a word) because of `cause`.

    The shape is a UUID of version 8 (RFC 9562): 48 bits of Unix time in milliseconds, so that indexes on ids stay
    local, then 74 bits of a hash of cause, maker and name.
    """
    digest = blake2b(f"{cause}\0{maker}\0{name}".encode(), digest_size=10).digest()
    hashed = int.from_bytes(digest, "big")
    head = f"{time_ms & _TIME_MAX_MS:012x}"
    middle, tail = 0x8000 | (hashed & 0xFFF), 0x8000 | ((hashed >> 12) & 0x3FFF)
    return f"{head[:8]}-{head[8:]}-{middle:04x}-{tail:04x}-{hashed >> 32:012x}"


def time_of(event_id: str, otherwise: datetime) -> int:
    """Return the Unix time in milliseconds that an id carries; for an id of another shape, the second of `otherwise`.

    What `otherwise` has below the second is cut off, and stays so: ids depend on it. A chain of events keeps the time
    of the outside event that began it, and no id depends on a service's clock.
    """
    if len(event_id) == 36 and event_id[14] in "78" and event_id[8] == event_id[13] == "-":
        try:
            return int(event_id[:8] + event_id[9:13], 16)
        except ValueError:
            pass
    return max(0, (otherwise - _EPOCH).days * 86_400_000 + (otherwise - _EPOCH).seconds * 1000) & _TIME_MAX_MS
