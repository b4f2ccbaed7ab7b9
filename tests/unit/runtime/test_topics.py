"""Topics are declared once; applying creates what is missing and alters nothing."""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from services.registry import all_services
from shared.runtime.settings import Settings
from shared.runtime.topics import Difference, Topic, apply, load

SALES = Topic(name="sales", partitions=2, cleanup="delete", retention_days=7)
PRICES = Topic(name="prices", partitions=3, cleanup="compact")


def test_each_service_that_consumes_a_topic_has_its_dead_letters() -> None:
    names = [topic.name for topic in load().all_topics() if topic.name.startswith("tekil.channel.v1")]

    assert names == [
        "tekil.channel.v1",
        "tekil.channel.v1.order.dlq",
    ]


def test_the_declaration_names_those_services_that_read_a_topic_and_no_other() -> None:
    declared = {topic.name: set(topic.consumed_by) for topic in load().topics}
    services = all_services(Settings())

    assert declared == {name: {each.name for each in services if name in each.topics} for name in declared}
    assert {topic for service in services for topic in service.topics} <= set(declared)


def test_master_data_and_availability_are_compacted_and_nothing_else_is() -> None:
    compacted = {topic.name for topic in load().all_topics() if topic.cleanup == "compact"}

    assert compacted == {"tekil.reference.v1", "tekil.availability.v1"}


@pytest.mark.parametrize(
    ("storage", "fault"),
    [
        ("partitions: 6, cleanup: delete", "retention_days belongs to cleanup: delete"),
        ("partitions: 6, cleanup: compact, retention_days: 7", "retention_days belongs to cleanup: delete"),
        ("partitions: 0, cleanup: compact", "greater than or equal to 1"),
        ("partitions: 6, cleanup: compact, retention: 7", "Extra inputs are not permitted"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(storage: str, fault: str, tmp_path: Path) -> None:
    declared = tmp_path / "topics.yaml"
    declared.write_text(f"topics: []\ndead_letters: {{{storage}}}\n")

    with pytest.raises(ValidationError, match=fault):
        load(declared)


def test_missing_topics_are_created_as_declared(kafka: str, topic_prefix: str) -> None:
    applied = apply(kafka, prefix=topic_prefix, topics=[SALES, PRICES])

    assert sorted(applied.created) == [f"{topic_prefix}prices", f"{topic_prefix}sales"]
    again = apply(kafka, prefix=topic_prefix, topics=[SALES, PRICES])
    assert (again.created, len(again.existing), again.differences) == ((), 2, ())


def test_a_topic_that_differs_is_reported_and_left_alone(kafka: str, topic_prefix: str) -> None:
    apply(kafka, prefix=topic_prefix, topics=[SALES])
    name = f"{topic_prefix}sales"
    changed = Topic(name="sales", partitions=4, cleanup="delete", retention_days=1)

    applied = apply(kafka, prefix=topic_prefix, topics=[changed])

    assert applied.created == ()
    assert applied.differences == (
        Difference(topic=name, setting="partitions", declared="4", actual="2"),
        Difference(topic=name, setting="retention.ms", declared="86400000", actual="604800000"),
    )
    assert len(AdminClient({"bootstrap.servers": kafka}).list_topics(name, timeout=10).topics[name].partitions) == 2
