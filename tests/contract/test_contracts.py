"""What other teams read is what the models say, and every sample is an event that Tekil reads."""

import json
import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.engine.message import CONTENT_TYPE, STRUCTURED, DeadLetterHeader, Message, Raw, Unreadable, outgoing, read
from shared.events.attribution import AttributionPosted, StockPosted
from shared.events.catalogue import CATALOGUE
from shared.events.channel import OrderSubmitted, SaleRecorded
from shared.events.contracts.envelope import CLOUDEVENT, DEAD_LETTER
from shared.events.contracts.generated import CONTRACTS, generated, stale
from shared.events.contracts.topics import Incomplete
from shared.events.order import OrderPlaced
from shared.events.samples import STORY, Sample, read_samples

SAMPLES = read_samples()
every_type = pytest.mark.parametrize("kind", CATALOGUE)


def _json(folder: str, kind: str) -> Any:
    return json.loads((CONTRACTS / folder / f"{kind}.json").read_text("utf-8"))


def _receive(
    sample: Sample, value: bytes, headers: tuple[tuple[str, bytes | None], ...]
) -> Message | Unreadable | None:
    record = Raw(sample.event.TOPIC, 0, 0, 0, sample.event.key.encode(), value, headers)
    return read(record, handled=CATALOGUE, known=())


def test_the_committed_contracts_are_what_the_models_say() -> None:
    assert list(stale()) == [], "run `make contracts` and commit what it wrote"


def test_a_stale_contract_is_found(tmp_path: Path) -> None:
    contracts = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    (contracts / "README.md").write_text("Old news.")
    (contracts / "schemas/order.placed.json").unlink()
    (contracts / "samples/order.forgotten.json").write_text("{}")
    assert {str(path.relative_to(contracts)): text is None for path, text in stale(contracts).items()} == {
        "README.md": False,
        "schemas/order.placed.json": False,
        "samples/order.forgotten.json": True,
    }


def test_a_type_without_a_sample_is_named(tmp_path: Path) -> None:
    told = yaml.safe_load(STORY.read_text("utf-8"))
    told["story"] = [entry for entry in told["story"] if entry["type"] != "stock.counted"]
    short = tmp_path / "samples.yaml"
    short.write_text(yaml.safe_dump(told))
    with pytest.raises(Incomplete, match=r"^stock\.counted has no sample: tell one in samples\.yaml$"):
        generated(short)


@every_type
def test_a_sample_fits_its_schema(kind: str) -> None:
    schema = _json("schemas", kind)
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(_json("samples", kind)["data"])] == []


@every_type
def test_a_sample_is_read_as_it_was_told(kind: str) -> None:
    sample = SAMPLES[kind]
    published = (CONTRACTS / "samples" / f"{kind}.json").read_bytes()
    message = _receive(sample, published, ((CONTENT_TYPE, STRUCTURED.encode()),))
    assert isinstance(message, Message)
    assert (message.event, message.source, message.id, message.time) == (
        sample.event,
        sample.source,
        sample.id,
        sample.time,
    )


@every_type
def test_a_sample_says_what_the_engine_would_write(kind: str) -> None:
    sample, envelope = SAMPLES[kind], _json("samples", kind)
    record = outgoing(
        sample.event,
        event_id=sample.id,
        source=sample.source,
        time=sample.time,
        cause_id=sample.cause_id,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    headers = {name: value.decode() for name, value in record.headers if value}
    assert headers.keys() <= CLOUDEVENT["properties"].keys()
    assert [error.message for error in Draft202012Validator(CLOUDEVENT).iter_errors(headers)] == []
    assert {name: text for name, text in envelope.items() if name not in ("data", "datacontenttype")} == {
        name.removeprefix("ce_"): text for name, text in headers.items() if name.startswith("ce_")
    }
    assert record.value is not None
    if sample.cause_id:
        assert json.loads(record.value) == envelope["data"]
    message = _receive(sample, record.value, record.headers)
    assert isinstance(message, Message)
    assert message.event == sample.event


@every_type
def test_schema_and_reader_refuse_the_same_gap(kind: str) -> None:
    schema, envelope = _json("schemas", kind), _json("samples", kind)
    for field in schema["required"]:
        data = {name: value for name, value in envelope["data"].items() if name != field}
        assert not Draft202012Validator(schema).is_valid(data)
        value = json.dumps(envelope | {"data": data}).encode()
        message = _receive(SAMPLES[kind], value, ((CONTENT_TYPE, STRUCTURED.encode()),))
        assert isinstance(message, Unreadable)
        assert message.detail == f"{kind}: {field}: Field required"


@every_type
def test_readers_may_meet_fields_that_they_do_not_know(kind: str) -> None:
    schema, envelope = _json("schemas", kind), _json("samples", kind)
    data = envelope["data"] | {"since_next_year": {"any": "thing"}}
    assert Draft202012Validator(schema).is_valid(data)
    message = _receive(
        SAMPLES[kind], json.dumps(envelope | {"data": data}).encode(), ((CONTENT_TYPE, STRUCTURED.encode()),)
    )
    assert isinstance(message, Message)
    assert message.event == SAMPLES[kind].event


def test_field_docstrings_are_descriptions() -> None:
    placed = _json("schemas", "order.placed")
    assert placed["properties"]["placed_at"]["description"] == "When the customer bought, by the channel's clock."
    assert placed["$defs"]["PlacedLine"]["description"] == "A line that Tekil took on, and how the customer gets it."


def test_a_local_time_needs_no_offset() -> None:
    schema = _json("schemas", "location.described")
    opens = {**schema["$defs"]["OpeningHours"]["properties"]["opens"]}
    assert "format" not in opens
    assert Draft202012Validator(opens).is_valid("10:00")
    assert not Draft202012Validator(opens).is_valid("24:00")


def test_every_dead_letter_header_is_described() -> None:
    assert DEAD_LETTER["properties"].keys() == {f"tekil_dlq_{name}" for name in get_args(DeadLetterHeader)}


@pytest.mark.parametrize("kind", ["order.submitted", "order.placed", "sale.recorded"])
def test_the_sums_of_the_story_add_up(kind: str) -> None:
    sold = SAMPLES[kind].event
    assert isinstance(sold, OrderSubmitted | OrderPlaced | SaleRecorded)
    for line in sold.lines:
        assert line.net_minor == line.gross_minor - sum(discount.amount_minor for discount in line.discounts)
    assert sum(tender.amount_minor for tender in sold.tenders) == sum(
        line.net_minor + line.tax_minor for line in sold.lines
    )


def test_the_books_of_the_story_balance() -> None:
    posted, moved = SAMPLES["attribution.posted"].event, SAMPLES["stock.posted"].event
    assert isinstance(posted, AttributionPosted)
    assert isinstance(moved, StockPosted)
    sums = {
        book: sum(posting.amount for posting in posted.postings if posting.book == book)
        for book in ("stock", "budget", "credit")
    }
    assert sums == {"stock": 0, "budget": 0, "credit": posted.net_minor}
    assert sum(posting.amount for posting in moved.postings) == 0


def test_the_first_order_page_quotes_its_examples() -> None:
    page = (CONTRACTS / "publish-your-first-order.md").read_text("utf-8")
    for language, name in (("python", "publish_order.py"), ("js", "publish_order.mjs")):
        example = (CONTRACTS / "examples" / name).read_text("utf-8")
        assert f"```{language}\n{example}```\n" in page, f"{name} is not quoted as it is"


def test_every_link_leads_somewhere() -> None:
    pages = list(CONTRACTS.glob("*.md"))
    links = {(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))}
    assert [f"{page.name}: {link}" for page, link in sorted(links) if not (page.parent / link).exists()] == []
