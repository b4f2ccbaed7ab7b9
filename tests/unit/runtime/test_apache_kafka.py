"""The local Apache Kafka is a real broker: it keeps what it acknowledged."""

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from shared.runtime import apache_kafka_installation
from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.apache_kafka_installation import KafkaMissing, install
from shared.runtime.topics import Topic, apply

SALES = Topic(name="sales", partitions=1, cleanup="delete", retention_days=1)


def test_what_was_acknowledged_outlives_a_crash() -> None:
    with ApacheKafka() as kafka:
        apply(kafka.bootstrap, topics=[SALES])
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all", "log_level": 0})
        producer.produce("sales", b"three pieces")
        assert producer.flush(10) == 0

        kafka.crash()
        kafka.start()

        consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "log_level": 0})
        consumer.assign([TopicPartition("sales", 0, 0)])
        record = consumer.poll(10)
        consumer.close()
    assert record is not None
    assert record.value() == b"three pieces"


def test_a_machine_without_java_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(KafkaMissing, match="put `java` on PATH, install `tekil\\[java\\]` or set TEKIL_KAFKA"):
        install()


def test_a_machine_without_maven_is_told_and_keeps_no_half_made_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java = tmp_path / "java"
    java.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(apache_kafka_installation, "CACHE", tmp_path / "cache")

    with pytest.raises(KafkaMissing, match=r"needs Maven \(mvn\) on PATH once"):
        install()

    assert list((tmp_path / "cache").iterdir()) == []
