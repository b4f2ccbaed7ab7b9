"""CloudEvents in structured mode: one JSON object an event, as scenario files hold them."""

import json
from collections.abc import Mapping
from typing import Any

from shared.events.catalogue import CATALOGUE
from shared.events.event import Event

ATTRIBUTES = ("specversion", "id", "source", "type", "time", "subject", "datacontenttype")
CONTENT_TYPE = "content-type"


class NotAnEvent(ValueError):
    """A line that is no CloudEvent of Tekil's; the message says why."""


def key_of(envelope: Mapping[str, Any]) -> str:
    """Return the Kafka key of an event: that of its model, or its subject where the model does not fit."""
    event_type = CATALOGUE.get(envelope.get("type", ""))
    if event_type is None:
        return str(envelope.get("subject", ""))
    data = envelope.get("data")
    if not isinstance(data, Mapping) or any(not isinstance(data.get(name), str) for name in event_type.KEY):
        return str(envelope.get("subject", ""))
    return "|".join(filter(None, [event_type.KIND, *(data[name] for name in event_type.KEY)]))


def to_binary(envelope: Mapping[str, Any]) -> tuple[str, bytes, bytes, tuple[tuple[str, bytes | None], ...]]:
    """Return topic, key, value and headers of an event in binary mode.

    The topic is that of its type; an unknown type names its own with the extension attribute `topic`.
    Raises NotAnEvent.
    """
    kind = envelope.get("type")
    if not isinstance(kind, str) or "data" not in envelope:
        raise NotAnEvent("a CloudEvent needs a type and data")
    topic = CATALOGUE[kind].TOPIC if kind in CATALOGUE else envelope.get("topic")
    if not isinstance(topic, str):
        raise NotAnEvent(f"{kind!r} is no type of Tekil's (see docs/contracts), and it names no topic")
    data = envelope["data"]
    value = data.encode() if isinstance(data, str) else json.dumps(data, ensure_ascii=False).encode()
    attributes = [(name, text) for name, text in envelope.items() if name not in ("data", "topic", "datacontenttype")]
    headers = tuple((f"ce_{name}", str(text).encode()) for name, text in attributes if name != "traceparent")
    trace = tuple((name, str(text).encode()) for name, text in attributes if name == "traceparent")
    return topic, key_of(envelope).encode(), value, (*headers, (CONTENT_TYPE, b"application/json"), *trace)


def to_structured(value: bytes | None, headers: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return an event of binary mode as one JSON object, without its trace context, which changes with every run."""
    attributes = {
        name.removeprefix("ce_"): text.decode(errors="replace")
        for name, text in headers.items()
        if name.startswith("ce_") and text is not None
    }
    return {**attributes, "data": json.loads(value) if value else None}


def typed(envelope: Mapping[str, Any]) -> Event:
    """Return the event that a structured CloudEvent holds. Raises NotAnEvent or pydantic's ValidationError."""
    kind = envelope.get("type", "")
    if kind not in CATALOGUE:
        raise NotAnEvent(f"{kind!r} is no type of Tekil's (see docs/contracts)")
    return CATALOGUE[kind].model_validate_json(json.dumps(envelope.get("data")))
