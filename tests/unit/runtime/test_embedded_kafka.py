"""The in-process Kafka: every topic from the start, and the limits that its docstring owns up to."""

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.topics import Topic, load

SALES = Topic(name="sales", partitions=1, cleanup="delete", retention_days=1)


def test_every_declared_topic_is_there_with_its_partitions() -> None:
    with EmbeddedKafka(prefix="demo.") as kafka:
        found = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics

    partitions = {name: len(topic.partitions) for name, topic in found.items()}
    assert partitions.keys() == {f"demo.{topic.name}" for topic in load().all_topics()}
    assert partitions["demo.tekil.order.v1"] == 6
    assert partitions["demo.tekil.order.v1.returns.dlq"] == 1


def test_a_partition_forgets_its_oldest_records_after_5_mb() -> None:
    with EmbeddedKafka(topics=[SALES]) as kafka:
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        for _ in range(6):
            producer.produce("sales", b"x" * 900_000)
            assert producer.flush(10) == 0
        consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "log_level": 0})
        oldest, end = consumer.get_watermark_offsets(TopicPartition("sales", 0), timeout=10)
        consumer.close()

    assert (oldest, end) == (1, 6)
