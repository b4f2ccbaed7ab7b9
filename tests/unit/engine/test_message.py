"""Whatever lies on a topic can be read, or said why not: nothing that anybody publishes makes reading fail."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import field_validator

from shared.engine.letters import dead_letter
from shared.engine.message import OUTSIDE_BYTES_MAX, Message, Raw, Unreadable, read
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from shared.events.samples import read_samples
from shared.kernel.value import replace
from tests.unit.engine.setting_aside import set_aside

SAMPLES = read_samples()
GOOD = SAMPLES["sale.recorded"]
ENVELOPE = {
    "ce_specversion": b"1.0",
    "ce_id": b"e-1",
    "ce_source": b"/till",
    "ce_type": b"sale.recorded",
    "ce_time": b"2026-03-02T10:00:00Z",
    "content-type": b"application/json",
}
BODY = json.dumps(GOOD["data"]).encode()
KEY = GOOD["data"]["order_id"].encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
bodies = st.none() | st.binary() | json_values.map(lambda value: json.dumps(value).encode())
altered_bodies = st.tuples(st.sampled_from(list(GOOD["data"])), json_values).map(
    lambda change: json.dumps({**GOOD["data"], change[0]: change[1]}).encode()
)
headers = st.lists(
    st.tuples(
        st.sampled_from([*ENVELOPE, "traceparent", "foreign", "tekil_dlq_reason"]),
        st.none() | st.binary() | st.text().map(str.encode) | st.sampled_from([b"application/cloudevents+json"]),
    ),
    max_size=4,
)


def raw(value: bytes | None, *changes: tuple[str, bytes | None], timestamp_ms: int = 0) -> Raw:
    return Raw("tekil.channel.v1", 0, 7, timestamp_ms, KEY, value, tuple({**ENVELOPE, **dict(changes)}.items()))


def reading(record: Raw) -> Message | Unreadable | None:
    return read(record, handled=CATALOGUE, known=CATALOGUE)


@given(bodies | altered_bodies | st.just(BODY), headers, st.integers(min_value=-(2**63), max_value=2**63 - 1))
@example(BODY, [("ce_time", None)], 0)
def test_every_record_is_read_or_set_aside_with_a_reason_and_all_it_came_with(
    value: bytes | None, changes: list[tuple[str, bytes | None]], timestamp_ms: int
) -> None:
    record = raw(value, *changes, timestamp_ms=timestamp_ms)
    match reading(record):
        case Unreadable(kept, slug, detail):
            assert slug
            letter = dead_letter(set_aside(kept, slug, detail), service="order")
            assert (letter.key, letter.value) == (record.key, record.value)
            assert set(record.headers) - set(letter.headers) <= {
                each for each in record.headers if each[0].startswith("tekil_dlq_")
            }
        case Message() as message:
            assert message.event.key
        case None:
            raise AssertionError("every type of the catalogue is handled here")


def without_time(timestamp_ms: int) -> Raw:
    record = raw(BODY, timestamp_ms=timestamp_ms)
    return replace(record, headers=tuple(header for header in record.headers if header[0] != "ce_time"))


@pytest.mark.parametrize("timestamp_ms", [2**62, -(2**62), 253_402_300_800_000])
def test_an_event_without_a_time_on_a_record_of_no_believable_time_is_set_aside(timestamp_ms: int) -> None:
    record = without_time(timestamp_ms)
    found = reading(record)
    assert isinstance(found, Unreadable)
    assert found.slug == "bad-header"


def test_an_event_without_a_time_has_that_of_its_record() -> None:
    found = reading(without_time(1_772_442_000_500))
    assert isinstance(found, Message)
    assert found.time == datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC)


class Buggy(Event, type="buggy", topic="tekil.channel.v1"):
    """An event whose validation has a bug."""

    order_id: str

    @field_validator("order_id")
    @classmethod
    def _fails(cls, order_id: str) -> str:
        raise ZeroDivisionError


def test_a_validator_with_a_bug_sets_its_record_aside() -> None:
    found = read(raw(b'{"order_id": "o"}', ("ce_type", b"buggy")), handled={"buggy": Buggy}, known={})
    assert isinstance(found, Unreadable)
    assert (found.slug, found.detail) == ("reading-failed", "ZeroDivisionError in buggy")


def test_a_source_with_a_space_is_set_aside_since_source_and_id_are_joined_by_one() -> None:
    found = reading(raw(BODY, ("ce_source", b"/till 7")))
    assert isinstance(found, Unreadable)
    assert (found.slug, found.detail) == ("bad-header", "ce_source is a URI reference: it has no spaces")


def test_the_world_may_say_half_of_what_services_may_say_about_it() -> None:
    large = json.dumps({**GOOD["data"], "note": "x" * OUTSIDE_BYTES_MAX}).encode()
    found = reading(raw(large))
    assert isinstance(found, Unreadable)
    assert found.slug == "value-too-large"
    inside = reading(replace(raw(large), topic="tekil.order.v1"))
    assert isinstance(inside, Unreadable)
    assert inside.slug == "wrong-topic"


def test_an_event_on_another_topic_than_its_own_is_set_aside() -> None:
    found = reading(replace(raw(BODY), topic="tekil.reference.v1"))
    assert isinstance(found, Unreadable)
    assert (found.slug, found.detail) == ("wrong-topic", "sale.recorded is said on tekil.channel.v1 and nowhere else")


def test_an_event_that_its_reader_has_no_use_for_is_set_aside_too_where_nobody_would_look_for_it() -> None:
    astray = replace(raw(BODY), topic="tekil.operations.v1")
    found = read(astray, handled={}, known=CATALOGUE)
    assert isinstance(found, Unreadable)
    assert (found.slug, found.detail) == ("wrong-topic", "sale.recorded is said on tekil.channel.v1 and nowhere else")
    assert read(raw(BODY), handled={}, known=CATALOGUE) is None


def test_the_world_does_not_speak_as_tekil() -> None:
    found = reading(raw(BODY, ("ce_source", b"/tekil/fulfilment")))
    assert isinstance(found, Unreadable)
    assert found.slug == "forged-source"


@pytest.mark.parametrize("topic", ["tekil.channel.v1", "tekil.order.v1"])
def test_nobody_claims_the_place_of_an_unreadable_record_that_is_still_to_come(topic: str) -> None:
    source, event_id = raw(b"{").position
    found = reading(replace(raw(BODY, ("ce_source", source.encode()), ("ce_id", event_id.encode())), topic=topic))
    assert isinstance(found, Unreadable)
    assert found.slug == "forged-source"


def test_a_trace_context_of_another_length_is_none() -> None:
    found = reading(raw(BODY, ("traceparent", b"0" * 56)))
    assert isinstance(found, Message)
    assert found.traceparent == ""


def test_a_position_on_a_topic_that_was_created_anew_is_another_one() -> None:
    assert raw(BODY, timestamp_ms=1).position != raw(BODY, timestamp_ms=2).position


@pytest.mark.parametrize("key", [None, b"", b"W-other", b"\xff"])
def test_an_event_under_another_key_than_its_own_is_set_aside_since_its_order_is_lost(key: bytes | None) -> None:
    found = reading(replace(raw(BODY), key=key))
    assert isinstance(found, Unreadable)
    own = KEY.decode()
    assert (found.slug, found.detail) == (
        "wrong-key", f"the Kafka key must be {own}: by it, what is said of one thing stays in order"
    )  # fmt: skip


def test_a_structured_event_may_say_its_trace_itself_and_its_header_says_it_first() -> None:
    inside, outside = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")
    said = {name.removeprefix("ce_"): text.decode() for name, text in ENVELOPE.items() if name.startswith("ce_")}
    value = json.dumps(said | {"traceparent": inside, "data": json.loads(BODY)}).encode()
    record = replace(raw(value), headers=(("content-type", b"application/cloudevents+json"),))
    traced = replace(record, headers=(*record.headers, ("traceparent", outside.encode())))
    found = [reading(each) for each in (record, traced)]
    assert [each.traceparent for each in found if isinstance(each, Message)] == [inside, outside]
