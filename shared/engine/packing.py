"""How a record is kept in a row: its headers in one column as MessagePack, since a value may be any bytes, or null."""

from typing import Any

import msgspec

from shared.engine.message import Headers, Raw

pack = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[tuple[str, bytes | None], ...]).decode


def unpack(packed: bytes) -> Headers:
    """Return headers that were packed."""
    return _decode(packed)


def raw_of(row: Any) -> Raw:
    """Return the record of a row."""
    return Raw(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        timestamp_ms=row["timestamp_ms"],
        key=row["key"],
        value=row["value"],
        headers=unpack(row["headers"]),
    )
