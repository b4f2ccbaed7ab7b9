"""What other teams read is what the models say, and every sample is an event that Tekil reads."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from shared.engine.letters import DeadLetterHeader
from shared.engine.message import CONTENT_TYPE, STRUCTURED, Message, Raw, Unreadable, outgoing, read
from shared.events.catalogue import CATALOGUE
from shared.events.contracts.envelope import CLOUDEVENT, DEAD_LETTER
from shared.events.contracts.generated import CONTRACTS, RECORD, generated, stale
from shared.events.contracts.topics import Incomplete
from shared.events.samples import STORY, read_samples
from shared.events.structured import typed
from tests.contract.story import tell

STRUCTURED_MODE = ((CONTENT_TYPE, STRUCTURED.encode()),)
SAMPLES = read_samples()
every_type = pytest.mark.parametrize("kind", CATALOGUE)


def _json(folder: str, kind: str) -> Any:
    return json.loads((CONTRACTS / folder / f"{kind}.json").read_text("utf-8"))


def _receive(kind: str, value: bytes, headers: tuple[tuple[str, bytes | None], ...] = STRUCTURED_MODE) -> Any:
    record = Raw(CATALOGUE[kind].TOPIC, 0, 0, 0, SAMPLES[kind]["subject"].encode(), value, headers)
    return read(record, handled=CATALOGUE, known={})


def _changed(kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps(SAMPLES[kind] | {"data": data}).encode()


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
    lines = STORY.read_text("utf-8").splitlines()
    short = tmp_path / "samples.jsonl"
    short.write_text("\n".join(line for line in lines if "stock.counted" not in line))
    with pytest.raises(Incomplete, match=r"^stock\.counted has no sample: make it happen in samples\.jsonl and run"):
        generated(short)


def test_the_story_is_what_tekil_says_today() -> None:
    lines = STORY.read_text("utf-8").splitlines()
    assert tell(lines) == lines, f"run `{RECORD}`, then `make contracts`"


@every_type
def test_a_sample_fits_its_schema(kind: str) -> None:
    schema = _json("schemas", kind)
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(_json("samples", kind)["data"])] == []


@every_type
def test_a_sample_is_read_as_it_was_told(kind: str) -> None:
    sample = SAMPLES[kind]
    message = _receive(kind, (CONTRACTS / "samples" / f"{kind}.json").read_bytes())
    assert isinstance(message, Message)
    assert message.event == typed(sample)
    assert message.event.key == sample["subject"]
    assert (message.source, message.id) == (sample["source"], sample["id"])
    assert message.time == datetime.fromisoformat(sample["time"])


@every_type
def test_what_the_engine_writes_is_as_described(kind: str) -> None:
    sample = SAMPLES[kind]
    record = outgoing(
        typed(sample),
        event_id=sample["id"],
        source=sample["source"],
        time=datetime.fromisoformat(sample["time"]),
        cause_id="what came before",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    assert record.value is not None
    assert [
        error.message for error in Draft202012Validator(_json("schemas", kind)).iter_errors(json.loads(record.value))
    ] == []
    headers = {name: (value or b"").decode() for name, value in record.headers}
    assert headers.keys() == CLOUDEVENT["properties"].keys()
    assert [error.message for error in Draft202012Validator(CLOUDEVENT).iter_errors(headers)] == []
    message = _receive(kind, record.value, record.headers)
    assert isinstance(message, Message)
    assert message.event == typed(sample)


@every_type
def test_schema_and_reader_refuse_the_same_gap(kind: str) -> None:
    schema, data = _json("schemas", kind), SAMPLES[kind]["data"]
    for field in (name for name, field in CATALOGUE[kind].model_fields.items() if field.is_required()):
        gap = {name: value for name, value in data.items() if name != field}
        assert not Draft202012Validator(schema).is_valid(gap)
        message = _receive(kind, _changed(kind, gap))
        assert isinstance(message, Unreadable)
        assert message.detail == f"{kind}: {field}: Field required"


@every_type
def test_readers_may_meet_fields_that_they_do_not_know(kind: str) -> None:
    newer = SAMPLES[kind]["data"] | {"since_next_year": {"any": "thing"}}
    assert Draft202012Validator(_json("schemas", kind)).is_valid(newer)
    message = _receive(kind, _changed(kind, newer))
    assert isinstance(message, Message)
    assert message.event == typed(SAMPLES[kind])


def test_field_docstrings_are_descriptions() -> None:
    placed = _json("schemas", "order.placed")
    said = "When the customer bought, by the channel's clock; by ours where that cannot be right."
    assert placed["properties"]["placed_at"]["description"] == said
    assert placed["$defs"]["PlacedLine"]["description"] == "A line that Tekil took on, and how the customer gets it."


def test_a_local_time_needs_no_offset() -> None:
    schema = _json("schemas", "location.described")
    opens = {**schema["$defs"]["OpeningHours"]["properties"]["opens"]}
    assert "format" not in opens
    assert Draft202012Validator(opens).is_valid("10:00")
    assert not Draft202012Validator(opens).is_valid("24:00")


def test_every_dead_letter_header_is_described() -> None:
    assert DEAD_LETTER["properties"].keys() == {f"tekil_dlq_{name}" for name in get_args(DeadLetterHeader)}


def test_the_first_order_page_quotes_its_examples() -> None:
    page = (CONTRACTS / "publish-your-first-order.md").read_text("utf-8")
    for language, name in (("python", "publish_order.py"), ("js", "publish_order.mjs")):
        example = (CONTRACTS / "examples" / name).read_text("utf-8")
        assert f"```{language}\n{example}```\n" in page, f"{name} is not quoted as it is"


def test_every_link_leads_somewhere() -> None:
    pages = list(CONTRACTS.glob("*.md"))
    links = {(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))}
    assert [f"{page.name}: {link}" for page, link in sorted(links) if not (page.parent / link).exists()] == []
