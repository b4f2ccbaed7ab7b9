"""What the headers of a record say, as schemas: the CloudEvents attributes, and the notes on a dead letter."""

from typing import Any

Node = dict[str, Any]
_NAME: Node = {"type": "string", "minLength": 1, "maxLength": 256}


def _said(description: str, **schema: Any) -> Node:
    return {"type": "string", "description": description, **schema}


CLOUDEVENT: Node = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes in binary mode. Every header is UTF-8 text.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": _NAME | {"description": "Unique for its source. A repeated id is the same event, taken once."},
        "ce_source": _NAME | {"description": "Who published it: `/shop`, `/pos/berlin-mitte/2`, `/tekil/order`."},
        "ce_type": _NAME | {"description": "The event type."},
        "ce_time": _said("When it happened. Without it, Kafka's own time of the record counts.", format="date-time"),
        "ce_subject": _said("The Kafka key, repeated."),
        "ce_causationid": _said("The id of the event or deadline that this one follows from."),
        "content-type": _said("The media type of the value.", default="application/json"),
        "traceparent": _said("W3C Trace Context, as a plain Kafka header."),
    },
}
DEAD_LETTER: Node = {
    "type": "object",
    "description": "Beside the record's own headers, why and where it failed.",
    "required": ["tekil_dlq_id", "tekil_dlq_reason", "tekil_dlq_topic", "tekil_dlq_partition", "tekil_dlq_offset"],
    "properties": {
        "tekil_dlq_id": _said("What `tekil dead-letters` calls it; the same one where it failed again."),
        "tekil_dlq_reason": _said("A slug for machines, such as `schema-violation`."),
        "tekil_dlq_detail": _said("What exactly was wrong, for people."),
        "tekil_dlq_topic": _said("The topic that it came from."),
        "tekil_dlq_partition": _said("Its partition there, in digits."),
        "tekil_dlq_offset": _said("Its offset there, in digits."),
        "tekil_dlq_service": _said("The service that could not process it."),
        "tekil_dlq_handler": _said("The decision that could not; empty where it was not even readable."),
        "tekil_dlq_first_failed_at": _said("When it was set aside for the first time.", format="date-time"),
        "tekil_dlq_traceparent": _said("The trace of the record that failed."),
        "tekil_dlq_left_out": _said("What of a very large record is not repeated; `tekil dead-letters show` has it."),
        "tekil_dlq_value_bytes": _said("The size of a value that was left out, in digits."),
        "tekil_dlq_value_sha256": _said("Its SHA-256, in hexadecimal digits."),
    },
}
