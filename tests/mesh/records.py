"""What the world publishes to the tally service."""

import json
from typing import Any

from shared.engine.message import Outgoing

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(
    kind: str, event_id: str, key: str, data: dict[str, Any] | bytes | None, **headers: bytes | None
) -> Outgoing:
    """Return a CloudEvent, good unless the test makes it bad; a header can be replaced or added."""
    value = json.dumps(data).encode() if isinstance(data, dict) else data
    envelope = {"ce_specversion": b"1.0", "ce_id": event_id.encode(), "ce_source": b"/test", "ce_type": kind.encode()}
    envelope |= {"ce_time": b"2026-11-02T11:59:00Z", "traceparent": TRACE.encode()}
    topic = "tekil.reference.v1" if kind == "item.described" else "tekil.operations.v1"
    return Outgoing(topic, key.encode(), value, tuple({**envelope, **headers}.items()))


def described(sku: str) -> Outgoing:
    """An item is described."""
    data = {"sku": sku, "name": sku, "brand": "b", "standard_cost_minor": 1, "currency": "EUR"}
    return record("item.described", f"describe-{sku}", f"item|{sku}", data)


def received(sku: str, quantity: int, event_id: str, **headers: bytes | None) -> Outgoing:
    """Pieces came in."""
    data = {"location_id": "S1", "sku": sku, "quantity": quantity}
    return record("stock.received", event_id, f"S1|{sku}", data, **headers)
