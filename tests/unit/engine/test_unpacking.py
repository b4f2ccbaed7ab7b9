"""What a compressed batch may hold is bounded; all that a publisher would send is read."""

import pytest
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


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_what_unpacks_too_large_is_refused(codec: str) -> None:
    with pytest.raises(UnpacksTooLarge, match="more than 67108864 bytes"):
        read(codec, UNPACKED_BYTES_MAX // len(VALUE) + 1)
