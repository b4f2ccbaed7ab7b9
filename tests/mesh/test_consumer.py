"""What a consumer takes at once, and when it says that it has: on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from confluent_kafka import Producer

from shared.engine.consumer import Consumer
from shared.engine.message import Raw
from shared.engine.metrics import Metrics
from tests.mesh.place import TALLY_TOPICS, Place, eventually

TOPIC = TALLY_TOPICS[0]


class Reader:
    """Takes batches, and holds each in hand until it may go."""

    def __init__(self) -> None:
        self.batches: list[list[bytes | None]] = []
        self.may_go = asyncio.Event()

    async def take(self, records: Sequence[Raw]) -> None:
        self.batches.append([record.key for record in records])
        await self.may_go.wait()

    async def until(self, batches: int) -> None:
        await eventually(lambda: asyncio.sleep(0, len(self.batches)), batches)


@asynccontextmanager
async def reading(
    place: Place, reader: Reader, *, interval_s: float = 0.0, batch_max: int = 500
) -> AsyncIterator[Consumer]:
    consumer = Consumer(
        "reader",
        [TOPIC],
        reader.take,
        bootstrap=place.bootstrap,
        prefix=place.prefix,
        batch_max=batch_max,
        batch_interval_s=interval_s,
        fetch_wait_ms=500,
        finish_timeout_s=5.0,
        metrics=Metrics("reader"),
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def publish(place: Place, *keys: bytes) -> None:
    """Publish records, each with a request of its own."""
    producer = Producer({"bootstrap.servers": place.bootstrap, "log_level": 0})
    for number, key in enumerate(keys):
        producer.produce(place.prefix + TOPIC, b"{}", key=key, partition=number % 2)
        assert producer.flush(10) == 0


async def test_all_that_came_while_a_batch_was_in_hand_is_the_next_one(tally: Place) -> None:
    reader = Reader()
    async with reading(tally, reader):
        publish(tally, b"first")
        await reader.until(1)
        publish(tally, *(b"%d" % number for number in range(30)))
        reader.may_go.set()
        await reader.until(2)
    assert sorted(map(len, reader.batches)) == [1, 30]


async def test_a_batch_begins_no_sooner_than_the_interval_after_the_one_before(tally: Place) -> None:
    reader = Reader()
    reader.may_go.set()
    async with reading(tally, reader, interval_s=2.0):
        publish(tally, b"first")
        await reader.until(1)
        publish(tally, *(b"%d" % number for number in range(10)))
        await reader.until(2)
    assert list(map(len, reader.batches)) == [1, 10]


async def test_batches_of_what_is_there_already_do_not_wait_for_each_other(tally: Place) -> None:
    reader = Reader()
    reader.may_go.set()
    publish(tally, *(b"%d" % number for number in range(9)))
    async with asyncio.timeout(30):
        # Nor does the end of the consumer wait for the next one.
        async with reading(tally, reader, interval_s=3600.0, batch_max=3):
            await reader.until(3)
    assert list(map(len, reader.batches)) == [3, 3, 3]


async def test_what_was_taken_is_committed_soon_and_at_the_latest_when_the_consumer_stops(tally: Place) -> None:
    reader = Reader()
    reader.may_go.set()
    async with reading(tally, reader):
        publish(tally, b"a", b"b", b"c")
        await eventually(lambda: tally.committed("reader"), {(TOPIC, 0): 2, (TOPIC, 1): 1})
        publish(tally, b"d")
        await eventually(lambda: asyncio.sleep(0, sum(map(len, reader.batches))), 4)
    assert await tally.committed("reader") == {(TOPIC, 0): 3, (TOPIC, 1): 1}


async def test_records_of_a_partition_that_has_just_moved_keep_no_other_from_being_committed(tally: Place) -> None:
    reader = Reader()
    reader.may_go.set()
    async with reading(tally, reader) as consumer:
        publish(tally, b"a")
        await reader.until(1)
        stale = Raw(tally.prefix + "elsewhere", 0, 7, -1, b"stale", b"{}", ())
        await consumer._handle([stale])
        publish(tally, b"b", b"c")
        await eventually(lambda: tally.committed("reader"), {(TOPIC, 0): 2, (TOPIC, 1): 1})


async def test_what_is_in_hand_is_not_committed(tally: Place) -> None:
    reader = Reader()
    async with reading(tally, reader):
        publish(tally, b"a")
        await reader.until(1)
        await asyncio.sleep(0.5)
        assert await tally.committed("reader") == {}
        reader.may_go.set()
    assert await tally.committed("reader") == {(TOPIC, 0): 1}
