"""Bounds on what a compressed batch of records may hold: a megabyte of zeros packs twenty gigabytes.

Kafka bounds a batch as it comes, packed, and aiokafka unpacks the whole of it. One that holds more than fits is a batch
that cannot be read: its partition is held, instead of the member killed for its memory, and all its partitions with it.
"""

import zlib
from collections.abc import Callable
from mmap import mmap
from typing import Any

import cramjam
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled_records

UNPACKED_BYTES_MAX = 64 * 1024 * 1024
"""Sixty times what Kafka takes of packed records as it comes; JSON packs to a tenth or twentieth."""


class UnpacksTooLarge(ValueError):
    """A batch holds more than UNPACKED_BYTES_MAX, or is broken."""


def repair() -> None:
    """Let every consumer of this process unpack so. Snappy needs no bound: it packs to a twentieth at best."""
    zstd, lz4 = _within_bounds(cramjam.zstd), _within_bounds(cramjam.lz4)
    for module in (default_records, compiled_records):
        module.gzip_decode, module.zstd_decode, module.lz4_decode = _unzip, zstd, lz4


def _unzip(packed: Any) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    found = unpacking.decompress(packed, UNPACKED_BYTES_MAX)
    if not unpacking.eof:
        raise UnpacksTooLarge(f"gzip that unpacks to more than {UNPACKED_BYTES_MAX} bytes, or is broken")
    return found


def _within_bounds(codec: Any) -> Callable[[Any], bytes]:
    """Return how a codec unpacks into room that is made once, and takes memory only as far as it was ever filled."""
    room = mmap(-1, UNPACKED_BYTES_MAX)

    def unpack(packed: Any) -> bytes:
        try:
            return room[: codec.decompress_into(packed, room)]
        except cramjam.DecompressionError as error:
            raise UnpacksTooLarge(f"it unpacks to more than {UNPACKED_BYTES_MAX} bytes, or is broken") from error

    return unpack
