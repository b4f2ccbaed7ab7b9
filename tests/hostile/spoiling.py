"""What can be wrong with a record: each function spoils one that was good, in one way."""

import gzip
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.engine.message import CONTENT_TYPE, STRUCTURED, Outgoing
from shared.events.catalogue import CATALOGUE
from tests.hostile.fitting import OUTSIDE_TOPICS, Data

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, -(2**63) - 1, 10**400,
    10**15, 10**12 + 1, "", " ", "0", "1", "\0", "a\0b", "\ud800", "\u202eabc", "\u200b", "\ufeff", "a\nb",
    "x" * 10_000, "customer", "__proto__", "../../etc/passwd", "ZZZ", "eur", "€€€", "1970-01-01",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z",
    "2026-03-02T08:00:00", "2026-03-02T08:00:00+24:00", "America", "Europe/Atlantis", "24:00", "09:00Z",
    [], {}, [[]], {"": ""},
)  # fmt: skip
"""What stands where something else is expected."""
BYTES: tuple[bytes | None, ...] = (
    None, b"", b"null", b"[]", b"0", b'"x"', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"{", b"{}", b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"\x1f\x8b\x08\x00junk", b"NaN", b"-", b"1" * 5000, b"\x00" * 1000,
)  # fmt: skip
"""What stands in place of a whole value."""
HEADERS: tuple[bytes | None, ...] = (
    None, b"", b"\xff", b" ", b"1.0", b"0.3", b"x" * 257, b"x" * 100_000, b"a\0b", b"/tekil/order", "\u202e".encode(),
    b"order.submitted", b"sale.invented", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:60Z", b"yesterday",
    b"2026-03-02T08:00:00", b"-62135596800", b"1e400", b"application/cloudevents+json", b"text/html",
)  # fmt: skip
HEADER_NAMES = ("ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", "ce_subject", CONTENT_TYPE, "traceparent")
MANY_LINES = 10_000
PADDING = 1_100_000


@dataclass
class Draft:
    """A record before it is published."""

    topic: str
    key: bytes | None
    data: Data
    headers: list[tuple[str, bytes | None]]
    text: str = ""
    """The value as text, where it is no longer what `data` says."""
    value: bytes | None = b""
    """The value as bytes, where it is not even text."""

    def record(self) -> Outgoing:
        """Return what is published."""
        value = self.value
        if value == b"":
            value = (self.text or json.dumps(self.data)).encode(errors="surrogatepass")
        return Outgoing(self.topic, self.key, value, tuple(self.headers))


Spoil = Callable[[Draft, Random], None]


def spoil_a_field(draft: Draft, random: Random) -> None:
    """Something else stands in a field."""
    if places := [*places_in(draft.data)]:
        holder, name = random.choice(places)
        holder[name] = deepcopy(random.choice(VALUES))


def leave_a_field_out(draft: Draft, random: Random) -> None:
    """A field is not there."""
    if places := [*places_in(draft.data)]:
        holder, name = random.choice(places)
        del holder[name]


def swap_fields(draft: Draft, random: Random) -> None:
    """Two fields have each other's values."""
    if places := [*places_in(draft.data)]:
        (one, at), (other, to) = random.choice(places), random.choice(places)
        one[at], other[to] = deepcopy(other[to]), deepcopy(one[at])


def add_fields(draft: Draft, random: Random) -> None:
    """There are fields that nobody knows, some huge."""
    draft.data |= {"unknown": deepcopy(random.choice(VALUES)), "pad": "x" * random.choice((1, PADDING // 4, PADDING))}


def repeat_a_field(draft: Draft, random: Random) -> None:
    """A JSON key stands there twice."""
    if draft.data:
        name = random.choice([*draft.data])
        draft.text = f"{{{json.dumps(name)}: {json.dumps(random.choice(VALUES))}, {json.dumps(draft.data)[1:]}"


def make_many(draft: Draft, random: Random) -> None:
    """A list has far too many items."""
    for holder, name in places_in(draft.data):
        if isinstance(holder[name], list) and holder[name]:
            holder[name] = holder[name][:1] * MANY_LINES
            return


def nest(draft: Draft, random: Random) -> None:
    """A field is nested so deeply that a parser may give up."""
    depth = random.choice((50, 500, 200_000))
    draft.text = json.dumps(draft.data)[:-1] + f', "deep": {"[" * depth}{"]" * depth}}}'


def replace_the_value(draft: Draft, random: Random) -> None:
    """The value is something else altogether."""
    draft.value = random.choice(BYTES)


def compress(draft: Draft, random: Random) -> None:
    """The value is compressed, as no reader expects."""
    draft.value = gzip.compress(json.dumps(draft.data).encode())


def cut(draft: Draft, random: Random) -> None:
    """The value ends too early."""
    whole = json.dumps(draft.data).encode()
    draft.value = whole[: random.randrange(len(whole))] or None


def encode_otherwise(draft: Draft, random: Random) -> None:
    """The value is text in another encoding."""
    draft.value = json.dumps(draft.data, ensure_ascii=False).encode(
        random.choice(("utf-16", "utf-32", "cp037")), "replace"
    )


def spoil_a_header(draft: Draft, random: Random) -> None:
    """A header says something else."""
    name = random.choice(HEADER_NAMES)
    draft.headers = [(each, random.choice(HEADERS) if each == name else value) for each, value in draft.headers]


def repeat_a_header(draft: Draft, random: Random) -> None:
    """A header stands there twice."""
    draft.headers.append((random.choice(HEADER_NAMES), random.choice(HEADERS)))


def leave_a_header_out(draft: Draft, random: Random) -> None:
    """A header is not there."""
    draft.headers.pop(random.randrange(len(draft.headers)))


def add_headers(draft: Draft, random: Random) -> None:
    """There are headers that nobody knows, many or huge."""
    count, size = random.choice(((1, 300_000), (2_000, 8), (1, 1)))
    draft.headers += [(random.choice(("", "x", "ce_", "tekil_dlq_reason", "ce_\u202e")), b"\xff" * size)] * count


def change_the_key(draft: Draft, random: Random) -> None:
    """The Kafka key is not the event's own."""
    draft.key = random.choice((None, b"", b"o-1", b"\xff", b"x" * 10_000, b"location|web"))


def change_the_topic(draft: Draft, random: Random) -> None:
    """An event is published on another topic than its own."""
    draft.topic = random.choice(sorted({event.TOPIC for event in CATALOGUE.values()}))


def change_the_type(draft: Draft, random: Random) -> None:
    """An event says that it is another one."""
    kind = random.choice([*CATALOGUE])
    draft.headers = [(name, kind.encode() if name == "ce_type" else value) for name, value in draft.headers]


def forge_the_source(draft: Draft, random: Random) -> None:
    """The world speaks as a service of Tekil's."""
    if draft.topic in OUTSIDE_TOPICS:
        draft.headers = [(name, b"/tekil/order" if name == "ce_source" else value) for name, value in draft.headers]


def structure(draft: Draft, random: Random) -> None:
    """The event comes in structured mode, maybe with attributes that are no text."""
    envelope: Data = {
        name[3:]: (value or b"").decode(errors="replace") for name, value in draft.headers if name[:3] == "ce_"
    }
    envelope |= {"data": draft.data}
    if random.random() < 0.5:
        spoilt = Draft(draft.topic, draft.key, envelope, [])
        random.choice((spoil_a_field, leave_a_field_out, nest, cut))(spoilt, random)
        draft.value = spoilt.record().value
    else:
        draft.text = json.dumps(envelope)
    draft.headers = [(CONTENT_TYPE, STRUCTURED.encode())]


SPOILS: tuple[Spoil, ...] = (
    *(spoil_a_field,) * 8,
    leave_a_field_out, swap_fields, add_fields, repeat_a_field, make_many, nest, replace_the_value, compress, cut,
    encode_otherwise, *(spoil_a_header,) * 3, repeat_a_header, leave_a_header_out, add_headers, change_the_key,
    change_the_topic, change_the_type, forge_the_source, *(structure,) * 2,
)  # fmt: skip


def places_in(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a JSON value: what holds it, and its name or number there."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for name, value in [*entries]:
        yield data, name
        if isinstance(value, dict | list):
            yield from places_in(value)
