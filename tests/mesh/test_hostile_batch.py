"""One batch of good and bad records: the good ones take effect, each bad one is set aside or refused by itself."""

import asyncio
import secrets
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, codec
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer
from structlog.testing import capture_logs

from services.order.service import order
from shared.engine import fetching
from shared.engine.message import VALUE_BYTES_MAX, Outgoing
from shared.kernel.value import replace
from tests.mesh.place import Place, eventually, running
from tests.mesh.world import BERLIN, reference, sale, submitted

CHANNEL = "tekil.channel.v1"
LETTERS = f"{CHANNEL}.order.dlq"


def altered(record: Outgoing, *, value: bytes | None = b"", **headers: bytes | None) -> Outgoing:
    """The record with another value, or other headers."""
    merged = tuple({**dict(record.headers), **headers}.items())
    return replace(record, value=record.value if value == b"" else value, headers=merged)


def headers_of(record: ConsumerRecord) -> dict[str, bytes | None]:
    return dict(record.headers)


def reason(record: ConsumerRecord) -> str:
    return (headers_of(record)["tekil_dlq_reason"] or b"").decode()


async def statuses(place: Place) -> dict[str, str]:
    return {row["order_id"]: row["status"] for row in await place.fetch("order", "SELECT order_id, status FROM orders")}


async def test_each_bad_record_has_its_own_dead_letter_and_the_good_ones_take_effect(place: Place) -> None:
    huge = secrets.token_bytes(VALUE_BYTES_MAX + 1)
    bad = {
        "not-json": altered(sale("not-json", BERLIN, ("coat", 1)), value=b"\xff{"),
        "schema-violation": altered(sale("schema", BERLIN, ("coat", 1)), value=b'{"order_id": 7}'),
        "unknown-type": altered(sale("unknown", BERLIN, ("coat", 1)), ce_type=b"sale.invented"),
        "bad-header": altered(sale("null-header", BERLIN, ("coat", 1)), ce_source=None),
        "bad-header ": altered(sale("latin", BERLIN, ("coat", 1)), ce_id=b"caf\xe9"),
        "missing-attribute": altered(sale("old", BERLIN, ("coat", 1)), ce_specversion=b"0.3"),
        "null-value": altered(sale("null", BERLIN, ("coat", 1)), value=None),
        "value-too-large": altered(sale("huge", BERLIN, ("coat", 1)), value=huge),
        "sums-do-not-add-up": sale("sums", BERLIN, ("coat", 1), off_minor=1),
        "id-reused": altered(sale("reused", BERLIN, ("coat", 1)), ce_id=b"good-1/sold"),
    }
    good = [sale(f"good-{number}", BERLIN, ("coat", 1)) for number in range(1, 12)]
    foreign = altered(sale("good-foreign", BERLIN, ("coat", 1)), null=None, latin=b"\xff")
    mixed = [record for pair in zip(good, bad.values(), strict=False) for record in pair]
    await place.publish(*reference()[:3])
    await place.publish(*mixed, foreign, submitted("refused", ("coat", 1, BERLIN), off_minor=1), partition=0)
    await place.publish(good[-1], partition=0)

    async with running(place.member(order())):
        await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), 13)
        await eventually(lambda: place.value("order", "SELECT count(*) FROM outbox"), 0)

    expected = {f"good-{number}": "completed" for number in range(1, 12)}
    assert await statuses(place) == {**expected, "good-foreign": "completed", "refused": "rejected"}
    letters = await place.published(LETTERS)
    by_offset = {int(headers_of(letter)["tekil_dlq_offset"] or b""): letter for letter in letters}
    for position, (slug, record) in enumerate(bad.items()):
        letter = by_offset.pop(2 * position + 1)
        notes = {name: value for name, value in letter.headers if name.startswith("tekil_dlq_")}
        assert notes["tekil_dlq_reason"] == slug.strip().encode()
        assert (notes["tekil_dlq_topic"], notes["tekil_dlq_partition"]) == (CHANNEL.encode(), b"0")
        assert (notes["tekil_dlq_service"], bool(notes["tekil_dlq_detail"])) == (b"order", True)
        told = None if slug == "value-too-large" else record.value
        assert (letter.key, letter.value) == (record.key, told)
        assert tuple(header for header in letter.headers if header[0] not in notes) == record.headers
    assert by_offset == {}
    assert (await place.committed("order"))[CHANNEL, 0] == 2 * len(bad) + 3


class Latin(str):
    """A header name that goes out in Latin-1, as clients send it that take names for bytes."""

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        return super().encode("latin-1", errors)


async def publish_latin(place: Place, records: Sequence[Outgoing], monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish records in one batch, by that builder of aiokafka which lets a name say how it is encoded."""
    with monkeypatch.context() as patched:
        patched.setattr(message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
        async with AIOKafkaProducer(bootstrap_servers=place.bootstrap) as producer:
            batch = producer.create_batch()
            for each in records:
                assert batch.append(timestamp=None, key=each.key, value=each.value, headers=list(each.headers))
            await (await producer.send_batch(batch, place.prefix + each.topic, partition=1))


async def test_a_header_name_that_is_not_utf_8_costs_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    named = (Latin("caf\xe9"), b"1")
    good, letter = sale("good", BERLIN, ("coat", 1)), altered(sale("bad", BERLIN, ("coat", 1)), ce_specversion=b"0.3")
    others = [sale(f"other-{number}", BERLIN, ("coat", 1)) for number in range(100)]
    await place.publish(*others[:50], partition=0)
    hostile = [replace(record, headers=(*record.headers, named)) for record in (good, letter)]
    await publish_latin(
        place, [sale("before", BERLIN, ("coat", 1)), *hostile, sale("after", BERLIN, ("coat", 1))], monkeypatch
    )
    await place.publish(*others[50:], partition=2)

    async with running(place.member(order())):
        await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), 103)
        await eventually(lambda: place.value("order", "SELECT count(*) FROM outbox"), 0)
    assert {"before", "good", "after"} < (await statuses(place)).keys()
    [told] = await place.published(LETTERS)
    assert (reason(told), headers_of(told)["caf\\xe9"]) == ("missing-attribute", b"1")
    assert await place.committed("order") == {(CHANNEL, 0): 50, (CHANNEL, 1): 4, (CHANNEL, 2): 50}


async def test_a_partition_that_cannot_be_read_is_held_and_all_others_go_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "HELD_S", 0.5)
    monkeypatch.setattr(codec, "has_gzip", lambda: False)
    compressed, plain = (
        sale("compressed", BERLIN, ("coat", 1)),
        [sale(f"o-{n}", BERLIN, ("coat", 1)) for n in range(90)],
    )
    for partition in range(3):
        await place.publish(*plain[30 * partition :][:30], partition=partition)
    publish_compressed(place, compressed, partition=1)
    with capture_logs() as logs:
        async with running(member := place.member(order())):
            await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), 90)
            await eventually(lambda: asyncio.sleep(0, member.waiting_for), "a record that cannot be read")
            await place.publish(sale("later", BERLIN, ("coat", 1)), partition=2)
            await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), 91)
            monkeypatch.undo()
            await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), 92)
    held = next(log for log in logs if log["event"] == "partition held at a record that cannot be read")
    assert (held["topic"], held["partition"], held["offset"]) == (place.prefix + CHANNEL, 1, 30)
    assert await place.committed("order") == {(CHANNEL, 0): 30, (CHANNEL, 1): 31, (CHANNEL, 2): 31}


def publish_compressed(place: Place, record: Outgoing, *, partition: int) -> None:
    producer = Producer({"bootstrap.servers": place.bootstrap, "compression.type": "gzip"})
    producer.produce(
        place.prefix + record.topic, record.value, record.key, partition=partition, headers=list(record.headers)
    )
    assert producer.flush(10) == 0


async def test_what_a_publisher_takes_back_never_happened(place: Place) -> None:
    async with AIOKafkaProducer(bootstrap_servers=place.bootstrap, transactional_id=f"{place.prefix}shop") as producer:
        for order_id, happened in (("taken-back", False), ("meant", True)):
            record = sale(order_id, BERLIN, ("coat", 1))
            await producer.begin_transaction()
            await producer.send(
                place.prefix + CHANNEL, record.value, key=record.key, headers=list(record.headers), partition=0
            )
            await (producer.commit_transaction() if happened else producer.abort_transaction())
    async with running(place.member(order())):
        await eventually(lambda: statuses(place), {"meant": "completed"})
