"""Bounds on what a compressed batch of records may hold: a megabyte of zeros packs twenty gigabytes.

Kafka bounds a batch as it comes, packed, and aiokafka unpacks the whole of it, believing what it says of its length.
One that holds more than fits, or contradicts itself, is a batch that cannot be read: its partition is held, instead of
the member killed for its memory, and all its partitions with it.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from mmap import mmap
from typing import Any

import cramjam
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled_records

UNPACKED_BYTES_MAX = 16 * 1024 * 1024
"""Sixteen times what Kafka takes of packed records as it comes; JSON packs to a tenth, and a value may have 1 MB."""
_XERIAL, _BLOCK_LENGTH = b"\x82SNAPPY\0" + b"\0\0\0\1" * 2, struct.Struct(">i")
"""How Java's clients begin what they pack with snappy: blocks follow, each behind its length."""


class UnpacksTooLarge(ValueError):
    """A batch holds more than UNPACKED_BYTES_MAX, or is broken."""


def repair() -> None:
    """Let every consumer of this process unpack so."""
    snappy = _within_bounds(cramjam.snappy.decompress_raw_into, _blocks)
    zstd, lz4 = (_within_bounds(codec.decompress_into) for codec in (cramjam.zstd, cramjam.lz4))
    for module in (default_records, compiled_records):
        module.gzip_decode, module.snappy_decode, module.zstd_decode, module.lz4_decode = _unzip, snappy, zstd, lz4


def _unzip(packed: Any) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    found = unpacking.decompress(packed, UNPACKED_BYTES_MAX)
    if not unpacking.eof:
        raise UnpacksTooLarge(f"gzip that unpacks to more than {UNPACKED_BYTES_MAX} bytes, or is broken")
    return found


def _whole(packed: memoryview) -> Iterator[memoryview]:
    yield packed


def _blocks(packed: memoryview) -> Iterator[memoryview]:
    """Yield what snappy packed: one block, or several, none of which may be of no length, or of less."""
    if packed[: len(_XERIAL)] != _XERIAL:
        yield packed
        return
    at = len(_XERIAL)
    while at < len(packed):
        begin = at + _BLOCK_LENGTH.size
        at = begin + (_BLOCK_LENGTH.unpack_from(packed, at)[0] if begin <= len(packed) else 0)
        if not begin < at <= len(packed):
            raise UnpacksTooLarge("snappy with a block whose length cannot be")
        yield packed[begin:at]


def _within_bounds(
    unpack_into: Callable[[memoryview, memoryview], int],
    blocks: Callable[[memoryview], Iterator[memoryview]] = _whole,
) -> Callable[[Any], bytes]:
    """Return how a codec unpacks into room that is made once, and takes memory only as far as it was ever filled."""
    room = memoryview(mmap(-1, UNPACKED_BYTES_MAX))

    def unpack(packed: Any) -> bytes:
        filled = 0
        try:
            for block in blocks(memoryview(packed)):
                filled += unpack_into(block, room[filled:])
        except cramjam.DecompressionError as error:
            raise UnpacksTooLarge(f"it unpacks to more than {UNPACKED_BYTES_MAX} bytes, or is broken") from error
        return bytes(room[:filled])

    return unpack
