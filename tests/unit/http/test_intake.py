"""What HTTP intake lets through is what the services can read, and what it refuses it explains."""

import asyncio
import gc
import json
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr

from services.order.intake import FAULTS_MAX, Intake, accept
from shared.engine.message import OUTSIDE_TOPICS, Message, Outgoing, Raw, read
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from shared.events.samples import read_samples
from shared.runtime.http import Problem

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SAMPLES = {kind: event for kind, event in read_samples().items() if CATALOGUE[kind].TOPIC in OUTSIDE_TOPICS}
RECEIVED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "DN-1",
    "source": "/wms",
    "type": "stock.received",
    "time": "2026-11-02T09:00:00Z",
    "data": {"location_id": "berlin-mitte", "sku": "coat-navy-m", "quantity": 3, "reference": "DN-1"},
}


def structured(event: dict[str, Any], **headers: str) -> Outgoing:
    return accept({**STRUCTURED, **headers}, json.dumps(event).encode())


def as_read(record: Outgoing) -> Message:
    raw = Raw(record.topic, 0, 0, 0, record.key, record.value, record.headers)
    message = read(raw, handled=CATALOGUE, known={})
    assert isinstance(message, Message), message
    return message


def refused(event: dict[str, Any]) -> Problem:
    with pytest.raises(Problem) as refusal:
        structured(event)
    return refusal.value


def faults(event: dict[str, Any]) -> dict[str, str]:
    return {fault.field: fault.fault for fault in refused(event).details.faults}


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_the_world_may_say_is_read_as_it_was_meant(kind: str) -> None:
    envelope = SAMPLES[kind]
    record = structured(envelope)
    message = as_read(record)
    assert (message.type, message.source, message.id) == (kind, envelope["source"], envelope["id"])
    assert (record.topic, record.key) == (CATALOGUE[kind].TOPIC, message.event.key.encode())
    assert isinstance(message.event, Event)
    assert message.event.model_dump(mode="json", exclude_unset=True) == envelope["data"]


def test_binary_mode_is_the_same_event_and_its_value_stays_as_it_was_sent() -> None:
    attributes = {f"ce-{name}": value for name, value in RECEIVED.items() if name != "data"}
    body = json.dumps(RECEIVED["data"], indent=4).encode()
    record = accept({"content-type": "application/json", **attributes, "user-agent": "curl"}, body)
    assert record.value == body
    assert dict(record.headers) == dict(structured(RECEIVED).headers)


def test_attributes_that_are_not_ascii_come_percent_encoded_in_binary_mode() -> None:
    attributes = {f"ce-{name}": value for name, value in RECEIVED.items() if name != "data"}
    record = accept(
        {"content-type": "application/json", **attributes, "ce-city": "M%C3%BCnchen"},
        json.dumps(RECEIVED["data"]).encode(),
    )
    assert dict(record.headers)["ce_city"] == "München".encode()


def test_a_subject_that_contradicts_the_event_is_refused() -> None:
    assert structured(RECEIVED | {"subject": "berlin-mitte|coat-navy-m"}).key == b"berlin-mitte|coat-navy-m"
    assert faults(RECEIVED | {"subject": "berlin-mitte|coat-red-m"}) == {
        "subject": "is not the event's Kafka key, which docs/contracts names for its type"
    }


def test_the_trace_of_the_request_goes_on_in_the_record() -> None:
    assert as_read(structured(RECEIVED, traceparent=TRACE)).traceparent == TRACE
    assert as_read(structured(RECEIVED | {"traceparent": TRACE})).traceparent == TRACE
    assert as_read(structured(RECEIVED)).traceparent == ""


def test_every_fault_is_named_and_no_value_is_repeated() -> None:
    wrong = {
        "specversion": "0.3",
        "source": "/tekil/order",
        "type": "stock.received",
        "time": "yesterday-4711",
        "data": {"location_id": "", "sku": "coat navy", "quantity": -4711},
    }
    found = faults(wrong)
    assert set(found) == {
        "specversion", "id", "source", "time", "data.location_id", "data.sku", "data.quantity",
    }  # fmt: skip
    assert found["source"] == "begins with /tekil/, as only Tekil's own events do"
    assert found["data.quantity"] == "Input should be greater than or equal to 1"
    assert "4711" not in json.dumps(found)


def test_nobody_speaks_as_a_place_in_kafka() -> None:
    said = faults(RECEIVED | {"source": "kafka:tekil.channel.v1"})
    assert said == {"source": "begins with kafka:, by which Tekil names places in Kafka"}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("order.placed", "a type that only Tekil publishes"), ("order.eaten", "no type of Tekil's; see docs/contracts")],
)
def test_only_the_worlds_types_come_in(kind: str, fault: str) -> None:
    assert faults(RECEIVED | {"type": kind})["type"] == fault


def test_a_hostile_event_gets_no_endless_answer() -> None:
    found = refused(RECEIVED | {f"x{number}": "" for number in range(1000)}).details.faults
    assert len(found) == FAULTS_MAX


@pytest.mark.parametrize(
    ("headers", "body", "status", "slug"),
    [
        (STRUCTURED, b"{", 400, "not-json"),
        (STRUCTURED, b"[]", 400, "not-json"),
        (STRUCTURED, b'{"data":' * 100_000, 400, "not-json"),
        (STRUCTURED, b'{"id": "\xff"}', 400, "not-json"),
        ({"content-type": "application/json"}, b"\xff", 400, "not-json"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 415, "not-a-cloudevent"),
        ({"content-type": "text/plain"}, b"hello", 415, "not-a-cloudevent"),
        ({}, b"", 415, "not-a-cloudevent"),
        ({"content-type": "application/json"}, b"{}", 422, "invalid-event"),
    ],
)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: bytes, status: int, slug: str) -> None:
    with pytest.raises(Problem) as refusal:
        accept(headers, body)
    assert (refusal.value.details.status, refusal.value.details.slug) == (status, slug)


@pytest.mark.parametrize("body", [b"", b"[", b'{"a": NaN}', b"[" * 100_000, b'"text"'])
def test_data_that_is_no_event_of_its_type_is_refused(body: bytes) -> None:
    attributes = {f"ce-{name}": value for name, value in RECEIVED.items() if name != "data"}
    with pytest.raises(Problem) as refusal:
        accept({"content-type": "application/json", **attributes}, body)
    assert refusal.value.details.status == 422
    assert refusal.value.details.faults[0].field.startswith("data")


def intake(token: str | None) -> Intake:
    return Intake(bootstrap="", prefix="", token=SecretStr(token) if token else None)


def test_without_a_token_intake_is_closed_to_all() -> None:
    for given in (None, "", "anything"):
        with pytest.raises(Problem) as refusal:
            intake(None).admit(given)
        assert refusal.value.details.status == 403
        assert "TEKIL_INTAKE_TOKEN" in refusal.value.details.detail


@pytest.mark.parametrize("given", [None, "", "open sesam", "open sesame!", "öpen"])
def test_only_the_token_opens(given: str | None) -> None:
    with pytest.raises(Problem) as refusal:
        intake("open sesame").admit(given)
    assert (refusal.value.details.status, refusal.value.headers) == (401, {"WWW-Authenticate": "Bearer"})
    intake("open sesame").admit("open sesame")


async def test_an_intake_that_finds_no_kafka_leaves_nothing_open() -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    with pytest.raises(KafkaConnectionError):
        await Intake(bootstrap="127.0.0.1:1", prefix="", token=None).start()
    gc.collect()
    assert told == []
