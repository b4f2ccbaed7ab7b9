"""The list of parked messages: the oldest first whoever has them, and whole on 80 columns."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from services.commands.lines import oldest_first
from services.commands.parked import cut, in_lines, listed
from shared.engine.looking import SHOWN_MAX, Waiting

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def wait(key: str, *, minutes: int, types: tuple[str, ...] = ("order.submitted",)) -> Waiting:
    since = NOON + timedelta(minutes=minutes, seconds=7)
    return Waiting(
        kind="Location", key=key, messages=1, since=since, gives_up_at=since + timedelta(days=1), types=types
    )


def test_the_oldest_comes_first_whoever_has_it() -> None:
    found = {"order": [wait("b", minutes=1), wait("d", minutes=3)], "attribution": [wait("a", minutes=0)]}

    assert [(name, each.key) for name, each in oldest_first(found, lambda each: each.since)] == [
        ("attribution", "a"),
        ("order", "b"),
        ("order", "d"),
    ]


def test_a_list_that_was_cut_is_known() -> None:
    found = {"order": [wait("a", minutes=0)] * SHOWN_MAX, "returns": [wait("a", minutes=0)] * (SHOWN_MAX - 1)}

    assert cut(found) == ["order"]


def test_a_wait_is_one_line_where_a_program_reads() -> None:
    found = wait("kiosk", minutes=1, types=("order.placed", "sale.recorded"))

    assert in_lines([("order", found)]) == [
        "service  waits for       messages  since (UTC)          until (UTC)          types",
        "order    location kiosk  1         2026-11-22 12:01:07  2026-11-23 12:01:07  order.placed sale.recorded",
    ]


def test_nothing_is_broken_on_80_columns() -> None:
    shown = io.StringIO()
    found = wait("[b]store-nisantasi", minutes=1, types=("order.placed", "sale.recorded"))

    Console(file=shown, width=80, markup=False).print(listed([("attribution", found)]))

    assert [line.rstrip() for line in shown.getvalue().splitlines()] == [
        "service      waits for              messages  since, until (UTC)   types",
        "attribution  location                      1  2026-11-22 12:01:07  order.placed",
        "             [b]store-nisantasi               2026-11-23 12:01:07  sale.recorded",
    ]
