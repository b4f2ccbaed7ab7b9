"""Records are read whatever their publisher's client compresses them with."""

import pytest
from confluent_kafka import Producer

from tests.mesh.place import Place, eventually, running
from tests.mesh.records import described, received
from tests.store.tally import TALLY


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_records_of_every_codec_are_read(tally: Place, codec: str) -> None:
    producer = Producer(
        {"bootstrap.servers": tally.bootstrap, "compression.type": codec, "linger.ms": 1_000, "log_level": 0}
    )
    for record in (described("A"), *(received("A", 1, f"{codec}-{number}") for number in range(50))):
        producer.produce(
            tally.prefix + record.topic, record.value, key=record.key, partition=0, headers=list(record.headers)
        )
    assert producer.flush(10) == 0
    async with running(tally.member(TALLY)):
        await eventually(lambda: tally.value(TALLY.name, "SELECT coalesce(sum(pieces), 0)::int FROM tallies"), 50)
