"""Scenario files are read with care, and what is published is shown in an order that can be followed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.scenario import BadScenario, in_causal_order, read_scenario
from shared.engine.message import Outgoing
from tests.scenarios.playing import WORLD, caused_by, expected_file, scenario, scenario_file
from tests.scenarios.simulated import simulated

UNSET = dict.fromkeys(("TEKIL_KAFKA", "TEKIL_POSTGRES", "TEKIL_PICKUP_SECRET"))
GOOD = '{"type": "stock.received", "time": "2026-10-19T08:00:00+03:00", "data": {}}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"type": ', "this is not JSON: Expecting value at column 10"),
        ('["stock.received"]', "a line is one CloudEvent, a JSON object"),
        ('{"time": "2026-10-19T08:00:00Z", "data": {}}', "a CloudEvent needs a type and data"),
        (GOOD.replace(', "data": {}', ""), "a CloudEvent needs a type and data"),
        (
            GOOD.replace("received", "wished"),
            "'stock.wished' is no type of Tekil's (see docs/contracts), and it names no topic",
        ),
        (GOOD.replace("+03:00", ""), "every event needs a time, RFC 3339 with an offset"),
    ],
)
def test_a_line_that_cannot_be_played_is_named(line: str, complaint: str, tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_text(f"# A story.\n\n{GOOD}\n{line}\n")
    with pytest.raises(BadScenario) as error:
        read_scenario([told])
    assert str(error.value) == f"{told}:4: {complaint}"


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_bytes(b"# Ni\xfeanta\xfe\xfd\n")
    with pytest.raises(BadScenario, match=r"told\.jsonl is not UTF-8 text"):
        read_scenario([told])


def published(event_id: str, *, by: str, cause: str) -> Outgoing:
    headers = (("ce_id", event_id.encode()), ("ce_causationid", cause.encode()), ("ce_source", f"/tekil/{by}".encode()))
    return Outgoing(f"tekil.{by}.v1", b"WEB-1001", b"{}", headers)


def test_an_effect_follows_its_cause() -> None:
    records = [published("reserved", by="inventory", cause="placed"), published("placed", by="order", cause="outside")]
    assert [event["id"] for event in in_causal_order(records)] == ["placed", "reserved"]


def test_events_of_a_key_stand_as_a_reader_of_their_topic_finds_them() -> None:
    """A pick that waited for its task was caused from outside, and yet is ready only after what it waited for."""
    records = [
        published("created", by="fulfilment", cause="confirmed"),
        published("ready", by="fulfilment", cause="outside"),
        published("confirmed", by="order", cause="outside too"),
        published("cancelled", by="order", cause="ready"),
    ]
    assert [event["id"] for event in in_causal_order(records)] == ["confirmed", "created", "ready", "cancelled"]


async def test_a_scenario_that_goes_on_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scenario.STEPS_MAX", 1)
    with pytest.raises(BadScenario, match="it does not end: 1 deadlines were fired"):
        await caused_by(scenario("never-picked"), *simulated())


def test_the_command_prints_what_is_expected() -> None:
    result = CliRunner().invoke(app, ["play", str(WORLD), str(scenario_file("collected"))], env=UNSET)
    assert result.exit_code == 0
    assert result.stdout.endswith(expected_file("collected").read_text(encoding="utf-8"))


def test_the_command_names_the_line_that_it_cannot_play(tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_text("42\n")
    result = CliRunner().invoke(app, ["play", str(told)], env=UNSET)
    assert (result.exit_code, result.stdout) == (2, "")
