"""What lies on a Kafka, read and written without any of our code."""

from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.engine.message import Outgoing


async def records_of(bootstrap: str, topics: Sequence[str]) -> list[ConsumerRecord]:
    """Return everything that these topics hold now, each partition in its order."""
    found = []
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(await consumer._client._wait_on_metadata(topic))
        ]
        ends = await consumer.end_offsets(partitions)
        left = {partition for partition, end in ends.items() if end > 0}
        consumer.assign(partitions)
        while left:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                found += records
                if records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    return found


async def publish(bootstrap: str, records: Iterable[Outgoing], *, prefix: str, partition: int | None = None) -> None:
    """Publish records in their order and wait until Kafka has them."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_request_size=8_000_000
    ) as producer:
        sent = [
            await producer.send(
                prefix + each.topic, each.value, key=each.key, headers=list(each.headers), partition=partition
            )
            for each in records
        ]
        for acknowledged in sent:
            await acknowledged
