"""Records are read whatever their publisher's client compresses them with, and never more at once than fits."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from shared.engine import fetching
from shared.engine.consumer import Consumer
from shared.engine.message import Raw
from shared.engine.metrics import Metrics
from tests.mesh.place import TALLY_TOPICS, Place, eventually, running
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


async def publish_packed(place: Place, topic: str, *records: tuple[bytes, int]) -> None:
    """Publish values of zeros, each in a batch of its own and packed to nearly nothing, on the partitions named."""
    async with AIOKafkaProducer(
        bootstrap_servers=place.bootstrap, compression_type="zstd", max_batch_size=2_000_000
    ) as producer:
        for key, partition in records:
            batch = producer.create_batch()
            assert batch.append(timestamp=None, key=key, value=bytes(400_000), headers=[("note", bytes(600_000))])
            await (await producer.send_batch(batch, place.prefix + topic, partition=partition))


async def test_one_poll_hands_out_no_more_than_fits_however_small_it_came(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "POLL_BYTES_MAX", 2_500_000)
    await publish_packed(tally, TALLY_TOPICS[0], *((b"%d" % number, number // 4) for number in range(8)))
    polls: list[list[bytes | None]] = []

    async def take(records: Sequence[Raw]) -> None:
        polls.append([record.key for record in records])

    consumer = Consumer(
        "reader",
        TALLY_TOPICS[:1],
        take,
        bootstrap=tally.bootstrap,
        prefix=tally.prefix,
        batch_max=500,
        batch_interval_s=0.0,
        fetch_wait_ms=500,
        finish_timeout_s=1.0,
        metrics=Metrics("reader"),
    )
    await consumer.start()
    try:
        await eventually(lambda: asyncio.sleep(0, sum(map(len, polls))), 8)
    finally:
        await consumer.stop()
    assert sorted(key or b"" for poll in polls for key in poll) == [b"%d" % number for number in range(8)]
    assert max(map(len, polls)) == 3
