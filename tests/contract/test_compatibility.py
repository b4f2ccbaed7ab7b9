"""A type may gain optional fields; nothing else about it may change."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from shared.events.catalogue import CATALOGUE
from shared.events.compatibility import NoSuchRef, breaks, committed_schemas, main
from shared.events.contracts.schemas import schema_of
from shared.events.event import Event, Id, Minor, Part, Pieces, Slug, Text


class Line(Part):
    sku: Id
    quantity: Pieces
    note: Text = ""


class Sold(Event, type="coat.sold", topic="tekil.channel.v1"):
    """A coat was sold."""

    order_id: Id
    channel: Literal["web", "pos"]
    lines: tuple[Line, ...]
    customer_id: Id | None = None
    tax_minor: Minor = 0


class WithOptionalField(Sold):
    associate_id: Id | None = None


class WithOptionalPart(Sold):
    gift: Line | None = None


class LineWithOptionalField(Line):
    colour: Text = ""


class WithOptionalFieldInLines(Sold):
    lines: tuple[LineWithOptionalField, ...]


class WithoutCustomer(Event):
    order_id: Id
    channel: Literal["web", "pos"]
    lines: tuple[Line, ...]
    tax_minor: Minor = 0


class WithoutChannel(Event):
    order_id: Id
    lines: tuple[Line, ...]
    customer_id: Id | None = None
    tax_minor: Minor = 0


class WithRequiredField(Sold):
    brand: Id


class LineWithRequiredField(Line):
    colour: Text


class WithRequiredFieldInLines(Sold):
    lines: tuple[LineWithRequiredField, ...]


class OnlyOnTheWeb(Sold):
    channel: Literal["web"]


class ByTelephoneToo(Sold):
    channel: Literal["web", "pos", "call_centre"]  # type: ignore[assignment]


class CustomerIsRequired(Sold):
    customer_id: Id


class ChannelIsOptional(Sold):
    channel: Literal["web", "pos"] = "web"


class OrderIdIsASlug(Sold):
    order_id: Slug


class TaxIsText(Sold):
    tax_minor: Text = ""  # type: ignore[assignment]


class TaxedByDefault(Sold):
    tax_minor: Minor = 19


def _in_words(now: type[Event]) -> list[str]:
    return breaks(schema_of(Sold), schema_of(now))


@pytest.mark.parametrize("now", [Sold, WithOptionalField, WithOptionalPart, WithOptionalFieldInLines])
def test_a_type_may_gain_optional_fields(now: type[Event]) -> None:
    assert _in_words(now) == []


@pytest.mark.parametrize(
    ("now", "broken"),
    [
        (WithoutChannel, ["channel is gone"]),
        (WithoutCustomer, ["customer_id is gone"]),
        (WithRequiredField, ["brand is new and required"]),
        (WithRequiredFieldInLines, ["lines takes other values", "lines.colour is new and required"]),
        (OnlyOnTheWeb, ["channel takes other values"]),
        (ByTelephoneToo, ["channel takes other values"]),
        (CustomerIsRequired, ["customer_id became required"]),
        (ChannelIsOptional, ["channel is no longer required"]),
        (OrderIdIsASlug, ["order_id has another pattern", "order_id takes other values"]),
        (TaxIsText, ["tax_minor has another pattern", "tax_minor has another default", "tax_minor takes other values"]),
        (TaxedByDefault, ["tax_minor has another default"]),
    ],
)
def test_nothing_else_may_change(now: type[Event], broken: list[str]) -> None:
    assert _in_words(now) == broken


@pytest.mark.parametrize("kind", CATALOGUE)
def test_no_type_breaks_itself(kind: str) -> None:
    assert breaks(schema_of(CATALOGUE[kind]), schema_of(CATALOGUE[kind])) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout that has a commit and no schemas yet."""
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return tmp_path


def _git(checkout: Path, *arguments: str) -> None:
    author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    git = shutil.which("git")
    assert git
    subprocess.run([git, "-C", str(checkout), *author, *arguments], check=True)


def _commit(checkout: Path, kind: str, schema: object) -> None:
    folder = checkout / "docs/contracts/schemas"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}.json").write_text(json.dumps(schema))
    _git(checkout, "add", "docs")
    _git(checkout, "commit", "--quiet", "--message", f"Publish {kind}")


def test_before_the_first_schema_there_is_nothing_to_break(
    checkout: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert main([], checkout) == 0
    assert "no schemas are committed at HEAD" in capsys.readouterr().out
    assert committed_schemas("HEAD", tmp_path_factory.mktemp("no-git")) == {}


def test_today_is_compared_with_what_was_committed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _commit(checkout, "order.completed", schema_of(CATALOGUE["order.completed"]))
    assert main([], checkout) == 0

    _commit(checkout, "order.completed", schema_of(Sold))
    _commit(checkout, "coat.sold", schema_of(Sold))
    assert main([], checkout) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "coat.sold: the type is gone"
    assert said[1] == "order.completed: channel is gone"
    assert said[-1] == (
        "that breaks readers or writers of HEAD: make it optional, or publish a new type beside the old one"
    )
    assert main(["--against", "HEAD~2"], checkout) == 0


def test_an_unknown_ref_is_not_taken_for_an_empty_one(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", "v9"], checkout) == 2
    assert capsys.readouterr().err == "git knows no v9 here: fetch it, or name another with --against\n"
    with pytest.raises(NoSuchRef):
        committed_schemas("v9", checkout)
