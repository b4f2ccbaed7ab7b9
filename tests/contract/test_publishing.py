"""Whoever has a CloudEvents SDK and a Kafka client can publish to Tekil, with no library of ours."""

import asyncio
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import DefaultPartitioner

from shared.engine.message import Message, Raw, read
from shared.events.catalogue import CATALOGUE
from shared.events.channel import TOPIC, OrderSubmitted
from shared.events.contracts.generated import CONTRACTS
from shared.events.samples import read_samples
from shared.events.structured import typed
from shared.runtime.topics import apply, load
from tests.contract.node_project import PROJECT, run_node

EXAMPLES = CONTRACTS / "examples"
PARTITIONS = list(range(6))
PATIENCE_S = 30


@pytest.fixture
def channel(kafka: str, topic_prefix: str) -> str:
    """The channel topic of an empty installation."""
    apply(kafka, prefix=topic_prefix, topics=[topic for topic in load().topics if topic.name == TOPIC])
    return topic_prefix + TOPIC


def _published(kafka: str, topic: str, number: int) -> list[Message]:
    """Return the messages of a topic, as many as are expected, each seen to lie where every client puts its key."""
    return asyncio.run(_consume(kafka, topic, number))


async def _consume(kafka: str, topic: str, number: int) -> list[Message]:
    messages = []
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        for _ in range(number):
            found = await asyncio.wait_for(consumer.getone(), PATIENCE_S)
            record = Raw(
                TOPIC, found.partition, found.offset, found.timestamp, found.key, found.value, tuple(found.headers)
            )
            message = read(record, handled=CATALOGUE, known={})
            assert isinstance(message, Message), message
            assert record.key == message.event.key.encode()
            assert record.partition == DefaultPartitioner()(record.key, PARTITIONS, PARTITIONS)
            messages.append(message)
    return messages


def _is_the_order_of_the_page(event: object, order_id: str) -> None:
    assert isinstance(event, OrderSubmitted)
    assert event.order_id == order_id
    assert [(line.sku, line.quantity, line.net_minor, line.tax_minor) for line in event.lines] == [
        ("coat-navy-m", 1, 8991, 1708)
    ]
    assert [tender.amount_minor for tender in event.tenders] == [8991 + 1708]


def test_the_python_example_publishes_an_order(kafka: str, channel: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "publish_order.py", kafka, channel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [message] = _published(kafka, channel, 1)
    assert (message.source, message.id) == ("/shop", "W-2002/submitted")
    _is_the_order_of_the_page(message.event, "W-2002")


def test_the_javascript_example_publishes_an_order(kafka: str, channel: str) -> None:
    done = run_node(EXAMPLES / "publish_order.mjs", kafka, channel)
    assert done.returncode == 0, done.stderr
    [message] = _published(kafka, channel, 1)
    assert (message.source, message.id) == ("/shop", "W-2003/submitted")
    _is_the_order_of_the_page(message.event, "W-2003")


def test_the_samples_can_be_published_from_javascript(
    kafka: str, channel: str, topic_prefix: str, tmp_path: Path
) -> None:
    samples = read_samples()
    told = [samples["order.submitted"], samples["sale.recorded"], samples["order.cancellation_requested"]]
    events = tmp_path / "events.json"
    events.write_text(json.dumps(told))

    done = run_node(PROJECT / "publish_order.mjs", kafka, topic_prefix, str(events))
    assert (done.returncode, done.stdout, done.stderr) == (0, "published 3\n", "")
    published = _published(kafka, channel, 3)
    assert {message.id: message.event for message in published} == {sample["id"]: typed(sample) for sample in told}
    assert {message.time for message in published} == {datetime.fromisoformat(sample["time"]) for sample in told}
