"""Publish one web order to Tekil: python publish_order.py BOOTSTRAP [TOPIC]"""

import sys
from datetime import UTC, datetime

from cloudevents.core.bindings.kafka import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer


def ordered(order_id: str) -> CloudEvent:
    coat = {
        "line_id": "1",
        "sku": "coat-navy-m",
        "quantity": 1,
        "gross_minor": 9990,
        "discounts": [{"funder": "brand", "promotion": "spring", "amount_minor": 999}],
        "net_minor": 8991,
        "tax_minor": 1708,
        "method": "pickup",
        "pickup_location_id": "berlin-mitte",
    }
    order = {
        "order_id": order_id,
        "channel": "web",
        "brand": "fjord",
        "capture_location_id": "web",
        "currency": "EUR",
        "lines": [coat],
        "tenders": [{"method": "card", "amount_minor": 10699}],
    }
    attributes = {
        "id": f"{order_id}/submitted",
        "source": "/shop",
        "type": "order.submitted",
        "subject": order_id,
        "time": datetime.now(UTC),
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes=attributes, data=order)


def publish(event: CloudEvent, bootstrap: str, topic: str) -> None:
    message = to_binary_event(event, key_mapper=lambda event: event.get_subject())
    # Whoever publishes about an order must come to the same partition; murmur2 is what most clients use.
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random"})
    failures = []
    producer.produce(
        topic,
        key=message.key,
        value=message.value,
        headers=list(message.headers.items()),
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    if producer.flush(30) or failures:
        sys.exit(f"not published: {failures or 'no answer within 30 s'}")


if __name__ == "__main__":
    publish(ordered("W-2002"), sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "tekil.channel.v1")
