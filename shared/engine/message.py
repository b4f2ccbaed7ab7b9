"""What comes in from Kafka and what goes out, and the CloudEvents envelope between."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from pydantic import TypeAdapter, ValidationError

from shared.events import channel, operations, reference
from shared.events.event import Event, Moment
from shared.kernel.value import Value

Headers = tuple[tuple[str, bytes | None], ...]

CONTENT_TYPE = "content-type"
STRUCTURED = "application/cloudevents+json"
_STRUCTURED_BYTES = STRUCTURED.encode()
VALUE_BYTES_MAX = 1_000_000
OUTSIDE_BYTES_MAX = 500_000
"""The world's events are kept well below what is read, since what follows from one says more than it did."""
OUTSIDE_TOPICS = frozenset({channel.TOPIC, operations.TOPIC, reference.TOPIC})
OWN_SOURCES = "/tekil/"
"""How the sources of Tekil's own events begin."""
PLACE_SOURCES = "kafka:"
"""How the sources begin that name a place in Kafka, for records that say none of their own: nobody publishes as one."""
ATTRIBUTE_CHARS_MAX = 256
TRACEPARENT_CHARS_MAX = 55
"""The length of a W3C traceparent; a longer one is none."""
_ATTRIBUTES = ("id", "source", "type")
_READ_HEADERS = (
    *((f"ce_{name}", name) for name in ("specversion", *_ATTRIBUTES, "time")),
    *((name, name) for name in (CONTENT_TYPE, "traceparent")),
)
"""The headers that are read, and the attributes that they are."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = TypeAdapter(Moment)


class Raw(Value):
    """A record as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def timestamp(self) -> int:
        """The time by the name that aiokafka has for it: whatever else consumes in this process gets these records."""
        return self.timestamp_ms

    @property
    def position(self) -> tuple[str, str]:
        """Source and id for a record that has none of its own: where it lies, and since when.

        A topic that is created anew begins its offsets again, but not at the same time.
        """
        return f"{PLACE_SOURCES}{self.topic}", f"{self.partition}-{self.offset}-{self.timestamp_ms}"


class Due(Value):
    """A deadline that has passed, decided about like an event."""

    name: str
    key: str


class Message(Value):
    """A readable event, or a deadline that has passed."""

    source: str
    id: str
    type: str
    time: datetime
    traceparent: str
    event: Event | Due
    digest: int
    """Of type and value, signed 64 bits: tells a repetition from another message with the same id."""
    raw: Raw
    stream: str
    """What must stay in order: the messages of one key on one topic."""


class Unreadable(Value):
    """A record that cannot be processed, and why."""

    raw: Raw
    slug: str
    detail: str
    claimed: bool = False
    """Whether its event id is in the inbox because of this very record, from a time when it could be read."""
    holds: str = ""
    """The stream whose later messages must not be decided before it; empty where it can never be processed."""


class Outgoing(Value):
    """A record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class _Bad(Exception):
    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(slug, detail)
        self.slug, self.detail = slug, detail


def read(
    raw: Raw, *, handled: Mapping[str, type[Event]], known: Mapping[str, type[Event]]
) -> Message | Unreadable | None:
    """Read a record: a message, None where its type is of no interest, or why it cannot be read."""
    headers = dict(raw.headers)
    if _is_of_no_interest(raw, headers, handled, known):
        return None
    try:
        attributes, value = _open(raw, headers)
        kind = attributes["type"]
        _check_source(attributes["source"], raw.topic)
        if (model := handled.get(kind) or known.get(kind)) is None:
            raise _Bad("unknown-type", f"no event type {kind!r} is known; see docs/contracts")
        if raw.topic != model.TOPIC:
            # Also where it is of no interest: whoever would have read it on its own topic will never see it.
            raise _Bad("wrong-topic", f"{kind} is said on {model.TOPIC} and nowhere else")
        if kind not in handled:
            return None
        event, key = _parse(handled[kind], value)
        if raw.key != key.encode():
            raise _Bad("wrong-key", f"the Kafka key must be {key}: by it, what is said of one thing stays in order")
        traceparent = attributes.get("traceparent", "")
        return Message(
            source=attributes["source"],
            id=attributes["id"],
            type=kind,
            time=_time(attributes.get("time"), raw),
            traceparent=traceparent if len(traceparent) <= TRACEPARENT_CHARS_MAX else "",
            event=event,
            digest=_digest(kind, value),
            raw=raw,
            stream=f"{raw.topic}|{key}",
        )
    except _Bad as bad:
        return Unreadable(raw, bad.slug, bad.detail)


def _is_of_no_interest(
    raw: Raw, headers: Mapping[str, bytes | None], handled: Mapping[str, type[Event]], known: Mapping[str, type[Event]]
) -> bool:
    """Say whether a record tells, where it belongs, of a type that is known and not handled: most that comes does."""
    kind = (headers.get("ce_type") or b"").decode(errors="replace")
    return (
        kind not in handled
        and (model := known.get(kind)) is not None
        and raw.topic == model.TOPIC
        and not _is_structured(headers)
    )


def _check_source(source: str, topic: str) -> None:
    """Let nobody speak as another, or take the place in the inbox of a record that is still to come."""
    if source.startswith(PLACE_SOURCES):
        raise _Bad("forged-source", f"nobody speaks as {source}: so a record is named that has no readable id")
    if topic in OUTSIDE_TOPICS and source.startswith(OWN_SOURCES):
        raise _Bad("forged-source", f"the world does not speak as {source}: that is a service of Tekil's")


def _is_structured(headers: Mapping[str, bytes | None]) -> bool:
    return (headers.get(CONTENT_TYPE) or b"").startswith(_STRUCTURED_BYTES)


def _open(raw: Raw, headers: Mapping[str, bytes | None]) -> tuple[dict[str, str], bytes]:
    """Return the CloudEvents attributes and the data of a record in binary or structured mode."""
    if raw.value is None:
        raise _Bad("null-value", "the record has no value; Tekil forgets nothing, so tombstones mean nothing to it")
    bytes_max = OUTSIDE_BYTES_MAX if raw.topic in OUTSIDE_TOPICS else VALUE_BYTES_MAX
    if len(raw.value) > bytes_max:
        raise _Bad("value-too-large", f"the value has {len(raw.value)} bytes; at most {bytes_max} are read")
    attributes, value = _texts(headers), raw.value
    if _is_structured(headers):
        traced = attributes.get("traceparent")
        attributes, value = _structured(raw.value)
        attributes |= {"traceparent": traced} if traced else {}
    if attributes.get("specversion") != "1.0":
        raise _Bad("missing-attribute", "ce_specversion must be 1.0: this is not a CloudEvents 1.0 record")
    for name in _ATTRIBUTES:
        if not 0 < len(attributes.get(name, "")) <= ATTRIBUTE_CHARS_MAX or not attributes[name].isprintable():
            raise _Bad("missing-attribute", f"ce_{name} must be 1 to {ATTRIBUTE_CHARS_MAX} printable characters")
    if " " in attributes["source"]:
        raise _Bad("bad-header", "ce_source is a URI reference: it has no spaces")
    return attributes, value


def _texts(headers: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the headers that are read as text. Foreign headers may hold anything; these may not."""
    texts = {}
    for header, name in _READ_HEADERS:
        if header in headers:
            if (value := headers[header]) is None:
                raise _Bad("bad-header", f"header {header} is null")
            try:
                texts[name] = value.decode()
            except UnicodeDecodeError:
                raise _Bad("bad-header", f"header {header} is not UTF-8") from None
    return texts


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    try:
        envelope: dict[str, Any] = msgspec.json.decode(value, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Bad("not-json", "the structured CloudEvent is not a JSON object") from None
    data = msgspec.json.encode(envelope.pop("data", None))
    return {name: text for name, text in envelope.items() if isinstance(text, str)}, data


def _time(text: str | None, raw: Raw) -> datetime:
    """Return the event's time; Kafka's where the event has none (`ce_time` is optional in CloudEvents)."""
    try:
        if text is None:
            return _MOMENT.validate_python(_EPOCH + timedelta(milliseconds=raw.timestamp_ms))
        return _MOMENT.validate_strings(text)
    except (ValidationError, OverflowError):
        missing = "there is no ce_time, and the record's own is not from 1970 to 9998"
        wrong = "ce_time is not an RFC 3339 time with an offset, from 1970 to 9998"
        raise _Bad("bad-header", missing if text is None else wrong) from None


def _parse(model: type[Event], value: bytes) -> tuple[Event, str]:
    """Return an event and its key."""
    try:
        event = model.model_validate_json(value)
        return event, event.key
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)
        if first[0]["type"] == "json_invalid":
            raise _Bad("not-json", f"the value is not JSON: {first[0]['msg']}") from None
        where = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['msg']}" for each in first[:5])
        raise _Bad("schema-violation", f"{model.TYPE}: {where}") from None
    except RecursionError:
        raise _Bad("not-json", "the value is nested too deeply") from None
    except Exception as error:
        # A validator with a bug: like a decision that fails, it must hold up no other record.
        raise _Bad("reading-failed", f"{type(error).__name__} in {model.TYPE}") from None


def _digest(kind: str, value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8, key=kind.encode()[:64]).digest(), "big", signed=True)


def outgoing(
    event: Event, *, event_id: str, source: str, time: datetime, cause_id: str, traceparent: str, prefix: str = ""
) -> Outgoing:
    """Wrap an event as a CloudEvents record in binary mode. `causationid` names the event that it follows from."""
    key = event.key.encode()
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_time", time.isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", key),
        ("ce_causationid", cause_id.encode()),
        (CONTENT_TYPE, b"application/json"),
        ("traceparent", traceparent.encode()),
    )
    return Outgoing(prefix + event.TOPIC, key, event.__pydantic_serializer__.to_json(event), headers)
