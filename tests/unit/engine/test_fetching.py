"""What the engine reads of a Kafka record."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from aiokafka import TopicPartition

from shared.engine.fetching import PartitionRecords


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
    record = SimpleNamespace(offset=7, timestamp=written, key=b"key", value=b"{}", headers=[])
    found = PartitionRecords._consumer_record(Mock(), TopicPartition("tekil.channel.v1", 2), record)
    assert (found.topic, found.partition, found.offset, found.timestamp_ms) == ("tekil.channel.v1", 2, 7, read)
