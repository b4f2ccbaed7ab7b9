"""How dead letters are shown: two lines each at a known width, one where programs read, and counted by reason."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.commands import console
from services.commands.lines import aligned, has_width
from shared.engine.letterbox import Count, Entry
from shared.engine.message import Headers

DETAIL_SHOWN = 160
"""Characters of a detail at a known width, which are two lines of a small terminal; `show` has it all."""
HEAD = ("id", "state", "reason", "since (UTC)")
"""What fits 80 columns, whatever the service and the reason."""
HEAD_CLOSED = ("id", "outcome", "reason", "closed (UTC)")

NULL = "(null)"
"""What a header says that has no value."""

Letters = Sequence[tuple[str, Entry]]
"""Letters with the names of their services."""


def print_letters(letters: Letters) -> None:
    """Print a list of letters."""
    if not has_width():
        rows = [
            (*_head(service, each), f"{each.attempts:,}", each.type, each.topic, _key(each), _why(service, each))
            for service, each in letters
        ]
        console.print_lines(aligned([(*HEAD, "attempts", "type", "topic", "key", "detail"), *rows]))
        return
    styles = ["yellow" if each.state == "retrying" else "" for _, each in letters]
    _print_in_twos(HEAD, [_head(*named) for named in letters], [_what(*named) for named in letters], styles)


def print_closed(letters: Letters) -> None:
    """Print a list of closed letters: how each ended, when, and why where a person said so."""
    if not has_width():
        rows = [(*_end(service, each), each.type, each.topic, each.note or "") for service, each in letters]
        console.print_lines(aligned([(*HEAD_CLOSED, "type", "topic", "note"), *rows]))
        return
    whats = [f"{each.type or each.topic}: {_short(each.note or each.detail)}" for _, each in letters]
    _print_in_twos(HEAD_CLOSED, [_end(*named) for named in letters], whats, [""] * len(letters))


def _print_in_twos(
    header: Sequence[str], heads: Sequence[Sequence[str]], whats: Sequence[str], styles: Sequence[str]
) -> None:
    """Print two lines for each letter: its head below the others', and what it is, further in."""
    first, *others = aligned([header, *heads])
    console.out.print(Text(first, "bold"))
    for head, what, style in zip(others, whats, styles, strict=True):
        console.out.print(Text(head, style))
        console.out.print(Padding.indent(Text(what, "dim"), 4))


def print_counts(by_service: Mapping[str, Iterable[Count]]) -> None:
    """Print how many letters there are of each service and reason, most first."""
    counts = [(service, each) for service, of_it in by_service.items() for each in of_it]
    counts.sort(key=lambda count: (-count[1].letters, count[0], count[1].reason))
    rows = [
        (f"{each.letters:,}", f"{each.retrying:,}", service, each.reason, f"{each.since:%Y-%m-%d %H:%M}")
        for service, each in counts
    ]
    console.print_lines(["", *aligned([("letters", "retrying", "service", "reason", "since (UTC)"), *rows])])


def print_letter(facts: Mapping[str, Any], headers: Headers, value: bytes | None) -> None:
    """Print all that is known of a letter, its headers as they came, and its value where there is one."""
    rows = [(name.replace("_", " "), escaped(str(given))) for name, given in facts.items() if given is not None]
    rows += [(f"header {escaped(name)}", escaped(text_of(given, null=NULL))) for name, given in headers]
    if value is not None:
        rows.append(("value", escaped(text_of(value), kept="\n\t")))
    if not has_width():
        console.print_lines(aligned(rows))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.out.print(table)


def text_of(value: bytes | None, *, null: str = "") -> str:
    """Return bytes of a publisher as text; what is no UTF-8 of them as escapes."""
    return null if value is None else value.decode(errors="backslashreplace")


def json_text(value: bytes | None, *, kept: str = "") -> str | dict[str, str] | None:
    """Return bytes of a publisher for JSON: text that can be printed, save the characters that are kept, or base64."""
    if value is None:
        return None
    with suppress(UnicodeDecodeError):
        text = value.decode()
        if escaped(text, kept=kept) == text:
            return text
    return {"base64": b64encode(value).decode()}


def escaped(text: str, *, kept: str = "") -> str:
    """Return a text that no terminal takes for a command, save the characters that are kept."""
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode() for each in text
    )


def _head(service: str, entry: Entry) -> Sequence[str]:
    return f"{service}/{entry.id}", entry.state, entry.reason, f"{entry.first_failed_at:%Y-%m-%d %H:%M}"


def _end(service: str, entry: Entry) -> Sequence[str]:
    return f"{service}/{entry.id}", entry.outcome or "", entry.reason, f"{entry.closed_at:%Y-%m-%d %H:%M}"


def _key(entry: Entry) -> str:
    return escaped(text_of(entry.key))


def _what(service: str, entry: Entry) -> str:
    """Say in a sentence what failed, how often where it was more than once, and why."""
    what = " ".join(filter(None, (entry.type, _key(entry)))) or entry.topic
    often = f", {entry.attempts:,} attempts" if entry.attempts > 1 else ""
    return f"{what}{often}: {_why(service, replace(entry, detail=_short(entry.detail)))}"


def _why(service: str, entry: Entry) -> str:
    """Say why a letter is one, and which of its stream comes before it."""
    return entry.detail if entry.behind is None else f"{entry.detail}; behind {service}/{entry.behind}"


def _short(text: str) -> str:
    return text if len(text) <= DETAIL_SHOWN else f"{text[:DETAIL_SHOWN]}…"
