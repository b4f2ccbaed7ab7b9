"""The documents keep their word: what they link, name, quote and tabulate is there."""

import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from services.attribution.policy.document import SHIPPED, read_document
from services.cli import app
from services.order.domain.refusals import LineIdRepeated, OrderIdTaken, SumsDoNotAddUp
from services.registry import all_services
from shared.engine.metrics import Metrics
from shared.events.catalogue import CATALOGUE
from shared.events.reference import PolicyPublished
from shared.runtime.servers import CHOICE_VARIABLE
from shared.runtime.settings import Settings, describe

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND = re.compile(r"(?:^|(?<=[\s(]))tekil((?: +[^\s|;&()<>`]+)+)")
TEST = re.compile(r"`?(tests/[\w/]+\.py)::(test_\w+)")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_in(page: Path) -> Iterator[str]:
    for block, span in CODE.findall(page.read_text()):
        yield from block.splitlines() or [span]


def page(name: str) -> str:
    return (ROOT / name).read_text()


def tables_in(text: str) -> list[list[str]]:
    """The rows of all tables, cell by cell, without what Markdown adds."""
    rows = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


@pytest.mark.parametrize("document", PAGES, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", PAGES, ids=named)
def test_every_command_is_one_that_can_be_typed(document: Path) -> None:
    for line in code_in(document):
        for words in COMMAND.findall(line):
            assert unknown_in(words.split()) == [], line


def unknown_in(words: list[str]) -> list[str]:
    """What `tekil` would not understand: a command or an option that it does not have."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return [words[0]]
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in options]


def test_an_unknown_command_or_option_would_be_noticed() -> None:
    assert unknown_in(["order", "show", "W-1", "--json"]) == []
    assert unknown_in(["order", "hide"]) == ["hide"]
    assert unknown_in(["replay", "completejourney", "--basket", "3"]) == ["--basket"]


@pytest.mark.parametrize("document", PAGES, ids=named)
def test_every_variable_is_a_setting(document: Path) -> None:
    known = {each.variable for each in describe(Settings())} | {CHOICE_VARIABLE}
    assert set(re.findall(r"TEKIL_[A-Z][A-Z_]*[A-Z]", document.read_text())) <= known


@pytest.mark.parametrize("document", PAGES, ids=named)
def test_every_test_that_is_named_exists(document: Path) -> None:
    for file, test in TEST.findall(document.read_text()):
        assert re.search(rf"def {test}\(", page(file)), f"{file} has no {test}"


def test_architecture_says_who_reads_what() -> None:
    header, *rows = [row for row in tables_in(page("docs/architecture.md")) if len(row) == 6]
    said = {
        (row[0].split("`")[0], service): cell
        for row in rows
        for service, cell in zip(header[1:], row[1:], strict=True)
        if cell in ("reads", "writes")
    }
    reads = {(topic, service.name): "reads" for service in all_services(Settings()) for topic in service.topics}
    writes = {
        (event.TOPIC, event.__module__.rpartition(".")[2]): "writes"
        for event in CATALOGUE.values()
        if event.__module__.rpartition(".")[2] in header
    }
    assert said == reads | writes


def test_architecture_quotes_code_that_is_there() -> None:
    quoted = re.findall(r"```python\n(.*?)```", page("docs/architecture.md"), re.DOTALL)
    source = "".join(path.read_text() for path in ROOT.glob("services/**/*.py"))
    assert len(quoted) == 2
    assert [line for code in quoted for line in code.strip().splitlines() if line.strip() not in source] == []


def test_operating_lists_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in describe(Settings()):
        monkeypatch.delenv(each.variable, raising=False)
    said = {row[0]: row[1] for row in tables_in(page("docs/operate.md")) if row[0].startswith("TEKIL_")}
    assert said == {each.variable: each.value for each in describe(Settings())}


def test_operating_explains_every_metric() -> None:
    families = list(Metrics("order").registry.collect())
    kept = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    said = {name for name in explained_in_operating() if name.startswith("tekil_") and "_dlq_" not in name}
    assert said == kept | {"tekil_database_answering"}


def test_operating_explains_every_reason_for_a_dead_letter() -> None:
    source = "".join(path.read_text() for path in [*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/engine/*.py")])
    worded = set(re.findall(r"(?:Invalid|_Bad)\(\s*\"([a-z-]+)\"", source))
    refused = {refusal.slug for refusal in (SumsDoNotAddUp, LineIdRepeated, OrderIdTaken)}
    of_the_engine = set(re.findall(r"\"(waited-too-long|decision-failed|id-reused)\"", source))
    assert len(worded) >= 15
    assert worded | refused | of_the_engine <= explained_in_operating()


def explained_in_operating() -> set[str]:
    """What stands as code in the first column of a table."""
    first_cells = re.findall(r"^\| (`.+?) \|", page("docs/operate.md"), re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_books_quote_the_policy_that_ships() -> None:
    quoted = re.search(r"```yaml\n(.*?)```", page("docs/books.md"), re.DOTALL)
    assert quoted is not None
    assert yaml.safe_load(quoted[1]) == yaml.safe_load(SHIPPED.read_text())


def test_the_books_publish_a_policy_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = re.search(r"```python\n(.*?)```", page("docs/books.md"), re.DOTALL)
    assert program is not None
    (tmp_path / "publish.py").write_text(program[1])
    monkeypatch.setattr(sys, "argv", ["publish.py", str(SHIPPED)])

    runpy.run_path(str(tmp_path / "publish.py"))

    event = json.loads(capsys.readouterr().out)
    published = PolicyPublished.model_validate_json(json.dumps(event["data"]))
    assert event["type"] == PolicyPublished.TYPE
    assert published.version == read_document(published.document).version == "shipped-1"
