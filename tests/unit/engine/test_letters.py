"""What a dead letter is called, and what is told of it."""

from hashlib import sha256

from shared.engine.letters import DETAIL_CHARS_MAX, RECORD_BYTES_MAX, dead_letter, letter_id, printable, type_of
from shared.engine.message import Raw
from shared.kernel.value import replace
from tests.unit.engine.setting_aside import set_aside

RECORD = Raw("tekil.channel.v1", 3, 41, 1_772_442_000_500, b"W-1", b"{", (("ce_type", b"sale.recorded"),))


def notes(raw: Raw) -> dict[str, str]:
    """What is said of a record on the dead-letter topic of the order service."""
    headers = dead_letter(set_aside(raw), service="order").headers
    return {name: (value or b"").decode() for name, value in headers if name.startswith("tekil_dlq_")}


def test_a_record_has_one_name_wherever_it_is_set_aside_and_another_record_another() -> None:
    assert letter_id(RECORD) == "b2w3xkjzzrco"
    others = [replace(RECORD, partition=4), replace(RECORD, offset=42), replace(RECORD, timestamp_ms=0)]
    assert len({letter_id(each) for each in (RECORD, *others)}) == 4
    assert notes(RECORD)["tekil_dlq_id"] == "order/b2w3xkjzzrco"


def test_a_record_is_told_as_it_came() -> None:
    letter = dead_letter(set_aside(RECORD), service="order", prefix="test.")
    assert (letter.topic, letter.key, letter.value) == ("test.tekil.channel.v1.order.dlq", b"W-1", b"{")
    assert letter.headers[0] == ("ce_type", b"sale.recorded")
    assert "tekil_dlq_left_out" not in notes(RECORD)


def test_of_a_record_near_the_most_that_kafka_takes_the_value_is_left_out_and_named() -> None:
    value = b"x" * RECORD_BYTES_MAX
    large = replace(RECORD, value=value)
    letter = dead_letter(set_aside(large), service="order")
    assert (letter.key, letter.value, letter.headers[0]) == (b"W-1", None, ("ce_type", b"sale.recorded"))
    told = notes(large)
    assert told["tekil_dlq_left_out"] == "value"
    assert told["tekil_dlq_value_bytes"] == "900000"
    assert told["tekil_dlq_value_sha256"] == sha256(value).hexdigest()


def test_of_a_record_with_huge_headers_only_ours_are_told() -> None:
    huge = replace(RECORD, headers=(*RECORD.headers, ("foreign", b"x" * RECORD_BYTES_MAX)))
    letter = dead_letter(set_aside(huge), service="order")
    assert (letter.key, letter.value) == (None, None)
    assert notes(huge)["tekil_dlq_left_out"] == "value, key and headers"
    assert notes(huge).keys() == {name for name, _ in letter.headers}


def test_a_note_of_an_earlier_dead_letter_gives_way() -> None:
    again = replace(RECORD, headers=(*RECORD.headers, ("tekil_dlq_reason", b"other")))
    reasons = [value for name, value in dead_letter(set_aside(again), service="order").headers if "reason" in name]
    assert reasons == [b"not-json"]


def test_a_sentence_can_be_printed_whatever_is_in_it_and_ends() -> None:
    assert printable("ünlü") == "ünlü"
    assert printable("a\x00b\u202e") == r"a\x00b\u202e"
    assert len(printable("x" * 5_000)) == DETAIL_CHARS_MAX


def test_a_type_is_what_the_header_says_where_that_can_be_printed() -> None:
    assert type_of(RECORD.headers) == "sale.recorded"
    assert [type_of((("ce_type", value),)) for value in (None, b"\x00", b"x" * 257)] == ["", "", ""]
    assert type_of(()) == ""
    assert type_of((("ce_type", b"first"), ("ce_type", b"last"))) == "last", "as it is read"
