"""What a compressed batch may hold is bounded; all that a publisher would send is read."""

import struct

import pytest
from aiokafka import codec as aiokafka_codec
from aiokafka.record import default_records
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

import shared.engine.consumer  # noqa: F401 - repairs how aiokafka unpacks
from shared.engine.unpacking import UNPACKED_BYTES_MAX, UnpacksTooLarge

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
VALUE = bytes(500_000)


def read(codec: str, records: int) -> list[bytes]:
    """Pack so many records into one batch, and read it as a consumer does."""
    batch = DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, UNPACKED_BYTES_MAX * 2)
    for number in range(records):
        batch.append(number, 1_000, None, VALUE, [])
    return [record.value for record in MemoryRecords(bytes(batch.build())).next_batch()]


@pytest.mark.parametrize("codec", CODECS)
def test_what_fits_is_read(codec: str) -> None:
    assert read(codec, 3) == [VALUE] * 3


@pytest.mark.parametrize("codec", CODECS)
def test_what_unpacks_too_large_is_refused(codec: str) -> None:
    with pytest.raises(UnpacksTooLarge, match="more than 16777216 bytes"):
        read(codec, UNPACKED_BYTES_MAX // len(VALUE) + 1)


def unpack_snappy(packed: bytes) -> bytes:
    unpacked: bytes = default_records.snappy_decode(packed)
    return unpacked


@pytest.mark.parametrize("in_blocks", [True, False], ids=["as Java packs", "as C packs"])
def test_snappy_is_read_as_each_client_packs_it(in_blocks: bool) -> None:
    assert unpack_snappy(aiokafka_codec.snappy_encode(VALUE, xerial_compatible=in_blocks)) == VALUE


FOUR_GIB = b"\xff\xff\xff\xff\x0f"
"""A length of 2**32 - 1, as snappy announces how much it unpacks to."""
BLOCKS = aiokafka_codec.snappy_encode(b"")[:16]


CONTRADICTIONS = {
    "announces four gigabytes": FOUR_GIB + b"\0a",
    "a block that announces them": BLOCKS + struct.pack(">i", 7) + FOUR_GIB + b"\0a",
    "a block that leads back": BLOCKS + struct.pack(">i", 3) + b"\1\0a" + struct.pack(">i", -11) + b"\0",
    "a block of nothing": BLOCKS + struct.pack(">i", 0) + b"\1\0a",
    "a block that never ends": BLOCKS + struct.pack(">i", 4) + b"\1\0a",
    "half a length": BLOCKS + b"\0\0",
    "nothing at all": b"",
}


@pytest.mark.parametrize("packed", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_snappy_that_contradicts_itself_is_refused(packed: bytes) -> None:
    with pytest.raises(UnpacksTooLarge):
        unpack_snappy(packed)
