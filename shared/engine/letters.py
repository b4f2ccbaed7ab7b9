"""Dead letters: records that a service could not process, as its database keeps them and as a topic tells of them."""

from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Literal

from shared.engine.message import ATTRIBUTE_CHARS_MAX, VALUE_BYTES_MAX, Headers, Outgoing, Raw
from shared.kernel.value import Value, replace

ID_CHARS = 12
"""Of 32 letters and digits each: 60 bits, and still something that a person can type."""
DETAIL_CHARS_MAX = 1_000
"""What a dead letter says of why: some of it was worded by whoever published the record."""
RECORD_BYTES_MAX = 900_000
"""What of a record is repeated on a dead-letter topic: with our headers it stays below the usual 1 MiB of a broker."""

Outcome = Literal["decided", "parked", "repeated", "ignored", "discarded"]
"""How a letter was closed. `ignored`: its type is of no interest any more."""
DeadLetterHeader = Literal[
    "id",
    "reason",
    "detail",
    "service",
    "handler",
    "first_failed_at",
    "traceparent",
    "topic",
    "partition",
    "offset",
    "left_out",
    "value_bytes",
    "value_sha256",
]


class Letter(Value):
    """A record that was set aside, and why."""

    raw: Raw
    type: str
    """Empty where the record does not say it in a header."""
    reason: str
    detail: str
    handler: str
    claimed: bool
    """Whether the event's id in the inbox is this record's own claim: a retry does not claim it again."""
    first_failed_at: datetime
    failed_at: datetime
    holds: str = ""
    """The stream that it holds: later messages of it become letters too, until this one is decided or discarded."""

    @property
    def id(self) -> str:
        """The letter's id in its service."""
        return letter_id(self.raw)


def letter_id(raw: Raw) -> str:
    """Derive a letter's id from where its record lies: a record has one letter, however often it fails."""
    digest = blake2b(" ".join(raw.position).encode(), digest_size=8).digest()
    return b32encode(digest).decode()[:ID_CHARS].lower()


def type_of(headers: Headers) -> str:
    """Return the event type that headers name; nothing where they name none that can be printed."""
    text = (dict(headers).get("ce_type") or b"").decode(errors="replace")
    return text if text.isprintable() and len(text) <= ATTRIBUTE_CHARS_MAX else ""


def printable(detail: str) -> str:
    """Return a sentence that databases, logs and terminals can take, whatever a publisher has put into it."""
    text = detail if detail.isprintable() else detail.encode("unicode_escape").decode()
    return text[:DETAIL_CHARS_MAX]


def kept(raw: Raw) -> Raw:
    """Return a record as the database of a service keeps it: of a value too large to be read, size and digest only."""
    if raw.value is None or len(raw.value) <= VALUE_BYTES_MAX:
        return raw
    return replace(raw, value=None, headers=raw.headers + _headers(_left_out(raw.value)))


def dead_letter(letter: Letter, *, service: str, traceparent: str = "", prefix: str = "") -> Outgoing:
    """Tell of a letter on a dead-letter topic: the record as it came, and in `tekil_dlq_*` headers what and where.

    Of a record that leaves no room for them the value is left out, which they say.
    """
    raw = letter.raw
    key, value = raw.key, raw.value
    given = tuple((name, value) for name, value in raw.headers if not name.startswith("tekil_dlq_"))
    notes: dict[DeadLetterHeader, str] = {
        "id": f"{service}/{letter.id}",
        "reason": letter.reason,
        "detail": letter.detail,
        "service": service,
        "handler": letter.handler,
        "first_failed_at": letter.first_failed_at.isoformat(),
        "traceparent": traceparent,
        "topic": raw.topic,
        "partition": str(raw.partition),
        "offset": str(raw.offset),
    }
    if value is not None and _bytes_of(key, value, given) > RECORD_BYTES_MAX:
        notes |= _left_out(value)
        value = None
    if _bytes_of(key, value, given) > RECORD_BYTES_MAX:
        notes["left_out"] = "value, key and headers"
        key, value, given = None, None, ()
    return Outgoing(f"{prefix}{raw.topic}.{service}.dlq", key, value, given + _headers(notes))


def _left_out(value: bytes) -> dict[DeadLetterHeader, str]:
    return {"left_out": "value", "value_bytes": str(len(value)), "value_sha256": sha256(value).hexdigest()}


def _headers(notes: Mapping[DeadLetterHeader, str]) -> Headers:
    return tuple((f"tekil_dlq_{name}", text.encode()) for name, text in notes.items())


def _bytes_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    return len(key or b"") + len(value or b"") + sum(len(name.encode()) + len(text or b"") for name, text in headers)
