"""How dead letters are shown: whole lines to programs, two lines each on 80 columns, counted by reason."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from services.commands import console
from services.commands.discarding import what_follows
from services.commands.listing import escaped, json_text, print_closed, print_counts, print_letter, print_letters
from services.commands.reasons import DOCUMENTED
from shared.engine.letterbox import Count, Entry, Stake

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPERATE = Path(__file__).parents[3] / "docs" / "operate.md"
TILL = Entry(
    id="xxnimsvwxn4t",
    state="open",
    attempts=1,
    topic="tekil.channel.v1",
    partition=3,
    record_offset=7,
    type="sale.recorded",
    key=b"NIS-5005",
    reason="sums-do-not-add-up",
    detail="line 1: net 10010 is +10 off gross less discounts",
    handler="",
    first_failed_at=NOON,
    failed_at=NOON,
    outcome=None,
    note=None,
    closed_at=None,
    behind=None,
)
POLICY = replace(
    TILL,
    id="t2mmxm3ukslw",
    state="retrying",
    attempts=12,
    reason="policy-version-taken",
    type="policy.published",
    key=b"[b]\x1bshipped-1",
    detail="version shipped-1 has another document: " + "a rule that nobody can read, " * 6 + "end",
)
LETTERS = [("order", TILL), ("attribution", POLICY)]


def printed(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None], *, columns: int | None) -> list[str]:
    """What is printed at so many columns; where programs read, at none."""
    file = io.StringIO()
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(console, "out", Console(file=file, width=columns or 160, markup=False, emoji=False))
    show()
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_letter_is_one_whole_line_where_a_program_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    header, till, policy = printed(monkeypatch, lambda: print_letters(LETTERS), columns=None)

    assert header == (
        "id                        state     reason                since (UTC)       attempts  "
        "type              topic             key               detail"
    )
    assert till == (
        "order/xxnimsvwxn4t        open      sums-do-not-add-up    2026-11-22 12:00  1         "
        "sale.recorded     tekil.channel.v1  NIS-5005          line 1: net 10010 is +10 off gross less discounts"
    )
    assert policy.split()[5] == "12"
    assert policy.endswith(f"  [b]\\x1bshipped-1  {POLICY.detail}")


def test_a_letter_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, lambda: print_letters(LETTERS), columns=80) == [
        "id                        state     reason                since (UTC)",
        "order/xxnimsvwxn4t        open      sums-do-not-add-up    2026-11-22 12:00",
        "    sale.recorded NIS-5005: line 1: net 10010 is +10 off gross less discounts",
        "attribution/t2mmxm3ukslw  retrying  policy-version-taken  2026-11-22 12:00",
        "    policy.published [b]\\x1bshipped-1, 12 attempts: version shipped-1 has",
        "    another document: a rule that nobody can read, a rule that nobody can read,",
        "    a rule that nobody can read, a rule that nobody can read, a ru…",
    ]


@pytest.mark.parametrize("columns", [None, 80])
def test_a_letter_names_the_one_that_it_is_behind(columns: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = replace(TILL, reason="behind-a-letter", detail="retry that one", behind="t2mmxm3ukslw")

    said = printed(monkeypatch, lambda: print_letters([("order", behind)]), columns=columns)

    assert said[-1].endswith("  retry that one; behind order/t2mmxm3ukslw" if columns is None else "mxm3ukslw")


def test_closed_letters_tell_how_they_ended_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = replace(TILL, state="closed", key=None, outcome="decided", closed_at=NOON)
    discarded = replace(decided, id="t2mmxm3ukslw", outcome="discarded", note="a till in training")
    letters = [("order", decided), ("attribution", discarded)]

    assert printed(monkeypatch, lambda: print_closed(letters), columns=80) == [
        "id                        outcome    reason              closed (UTC)",
        "order/xxnimsvwxn4t        decided    sums-do-not-add-up  2026-11-22 12:00",
        "    sale.recorded: line 1: net 10010 is +10 off gross less discounts",
        "attribution/t2mmxm3ukslw  discarded  sums-do-not-add-up  2026-11-22 12:00",
        "    sale.recorded: a till in training",
    ]
    lines = [" ".join(line.split()) for line in printed(monkeypatch, lambda: print_closed(letters), columns=None)]
    assert lines == [
        "id outcome reason closed (UTC) type topic note",
        "order/xxnimsvwxn4t decided sums-do-not-add-up 2026-11-22 12:00 sale.recorded tekil.channel.v1",
        f"attribution/t2mmxm3ukslw discarded {lines[1].partition(' decided ')[2]} a till in training",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, None),
        (b"", ""),
        ("Nişantaşı".encode(), "Nişantaşı"),
        (b"\xff\x00", {"base64": "/wA="}),
        (b"a\nb", {"base64": "YQpi"}),
        ("\x9b2J".encode(), {"base64": "wpsySg=="}),
    ],
)
def test_programs_are_told_bytes_as_they_are(given: bytes | None, told: object) -> None:
    assert json_text(given) == told
    assert json_text(b"a\nb", kept="\n") == "a\nb"


def test_what_follows_from_discarding_is_said() -> None:
    own = Stake(own=1, letters_behind=0, parked_behind=0)
    behind = Stake(own=0, letters_behind=2, parked_behind=1)

    assert what_follows("order", replace(own, own=0)) == []
    [costs] = what_follows("order", own)
    assert costs == (
        "order: 1 letter of these came from Tekil's own services, which say a thing once: "
        "without it books or stock differ for good"
    )
    assert what_follows("order", behind) == [
        "order: 2 letters and 1 parked message stand behind these, and are decided as if these had never come"
    ]


def test_letters_are_counted_by_service_and_reason_most_first(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {
        "order": [Count("not-json", 2, 0, NOON), Count("decision-failed", 5_000, 12, NOON)],
        "returns": [Count("decision-failed", 2, 0, NOON)],
    }

    assert printed(monkeypatch, lambda: print_counts(counts), columns=80) == [
        "",
        "letters  retrying  service  reason           since (UTC)",
        "5,000    12        order    decision-failed  2026-11-22 12:00",
        "2        0         order    not-json         2026-11-22 12:00",
        "2        0         returns  decision-failed  2026-11-22 12:00",
    ]


@pytest.mark.parametrize("columns", [None, 80])
def test_all_headers_are_shown_as_they_came_and_none_commands_a_terminal(
    columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = (("ce_id", b"a"), ("ce_id", b"b"), ("X-Trace id", None), ("bytes", b"\xff\x1b[2J"), ("empty", b""))
    facts = {"id": "order/x", "first_failed_at": NOON, "note": None}

    assert printed(monkeypatch, lambda: print_letter(facts, headers, b'{"a":\n"\x07"}'), columns=columns) == [
        "id                 order/x",
        "first failed at    2026-11-22 12:00:00+00:00",
        "header ce_id       a",
        "header ce_id       b",
        "header X-Trace id  (null)",
        "header bytes       \\xff\\x1b[2J",
        "header empty",
        'value              {"a":',
        '"\\x07"}' if columns is None else '                   "\\x07"}',
    ]


def test_a_text_of_any_language_is_no_command() -> None:
    assert escaped("Nişantaşı 東京\u202e\n") == "Nişantaşı 東京\\u202e\\n"


def test_a_reason_is_known_where_it_is_documented() -> None:
    table = OPERATE.read_text().split("| reason | who set it aside | what to do |")[1].split("\n\n")[0]
    first_cells = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)

    assert {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)} == DOCUMENTED
