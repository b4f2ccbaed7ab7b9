"""What docs/scenarios.md quotes is what there is."""

import re
from pathlib import Path
from typing import Any

from tests.scenarios.playing import HERE, expected, expected_file, scenario_file

PAGE = (HERE.parents[1] / "docs" / "scenarios.md").read_text(encoding="utf-8")
QUOTED = "no-show-over-christmas"


def blocks(language: str) -> list[list[str]]:
    """Return the lines of each fenced block of a language."""
    return [block.splitlines() for block in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]


def test_the_scenario_and_the_refund_are_quoted_in_full() -> None:
    told, refund = blocks("json")
    assert told == [line for line in lines_of(scenario_file(QUOTED)) if not line.startswith("#")]
    assert refund == [line for line in lines_of(expected_file(QUOTED)) if "refund.requested" in line]


def test_the_overview_is_what_is_published() -> None:
    (console,) = blocks("console")
    assert [line for line in console if not line.startswith(("$", ">"))] == [
        "  ".join([event["time"], event["source"], event["type"], *slug_of(event["data"])])
        for event in expected(QUOTED)
    ]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def slug_of(data: dict[str, Any]) -> list[str]:
    return [data["reason"]["slug"]] if "reason" in data else []
