"""Rows for programs that read line by line: each is a line, and nothing is cut. At a known width they are laid out."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

GAP = "  "

T = TypeVar("T")


def has_width() -> bool:
    """Say whether somebody reads at a width: on a terminal, or where COLUMNS says so, as `watch` does."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, its cells below each other; the last cell may be of any length."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def oldest_first(by_service: Mapping[str, Sequence[T]], since: Callable[[T], datetime]) -> list[tuple[str, T]]:
    """Return what all services have, each with its service's name, the oldest first."""
    found = [(service, each) for service, of_it in by_service.items() for each in of_it]
    return sorted(found, key=lambda named: since(named[1]))


def several(number: int, noun: str) -> str:
    """Count what a noun names.

    >>> several(1_000, "dead letter")
    '1,000 dead letters'
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
