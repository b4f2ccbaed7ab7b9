"""What the engine reads of a Kafka record."""

import pytest
from aiokafka import ConsumerRecord

from shared.engine.consumer import raw


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1_772_442_000_500, 1_772_442_000_500),
        (-1, -1),
        (2**63, 253_402_300_799_999),
        (2**64, 253_402_300_799_999),
        (-(2**63) - 1, -1),
    ],
)
def test_a_time_that_no_database_holds_is_read_as_one_that_it_does(written: int, read: int) -> None:
    record = ConsumerRecord("lab.tekil.channel.v1", 2, 7, written, 0, b"key", b"{}", None, 3, 2, ())
    found = raw(record, "lab.")
    assert (found.topic, found.partition, found.offset, found.timestamp_ms) == ("tekil.channel.v1", 2, 7, read)
