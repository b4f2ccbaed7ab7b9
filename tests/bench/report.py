"""What a run found: tables for people, the same tables for the documents, and JSON for programs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text. The first column is a name, the others are numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def rich(self, title: str) -> RichTable:
        """Return it for a terminal."""
        shown = RichTable(title=title, title_justify="left", box=None, pad_edge=False)
        for number, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            shown.add_row(*row)
        return shown

    def markdown(self) -> str:
        """Return it for a document."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [self.columns, rule, *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one part of a run found."""

    name: str
    title: str
    table: Table
    data: Mapping[str, Any] = field(default_factory=dict)
    """The numbers behind it, for JSON."""


def show(chapter: Chapter, console: Console) -> None:
    """Print a chapter."""
    console.print(chapter.table.rich(chapter.title))
    console.print()


def write(chapters: Iterable[Chapter], facts: Mapping[str, str], document: Path) -> None:
    """Put each chapter's table between its markers in a document. Raises ValueError where it has none."""
    text = document.read_text(encoding="utf-8")
    named = ", ".join(f"{name} {value}" for name, value in facts.items())
    for chapter in chapters:
        begin, end = f"<!-- {chapter.name}: generated -->", f"<!-- end of {chapter.name} -->"
        between = re.compile(rf"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        if not between.search(text):
            raise ValueError(f"{document} has no place for {chapter.name}")
        filled = f"{begin}\n{chapter.title}. Run {named}.\n\n{chapter.table.markdown()}\n{end}"
        text = between.sub(lambda _, filled=filled: filled, text)  # type: ignore[misc]
    document.write_text(text, encoding="utf-8")


def middle(values: Iterable[float]) -> float:
    """Return the median."""
    return float(median(values))


def quantile(values: Iterable[float], hundredth: int) -> float:
    """Return the smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * hundredth // 100) - 1)]


def number(value: float) -> str:
    """Return a number with about three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
