"""What follows when dead letters are discarded, and the question whether they are to be all the same."""

import sys
from collections.abc import Mapping, Sequence

from rich.text import Text

from services.commands import console
from services.commands.lines import several
from shared.engine.letterbox import Stake

YES = ("y", "yes")
Asked = Mapping[str, Sequence[str]]
"""Ids of letters by their services."""


def confirm(asked: Asked, stakes: Mapping[str, Stake], *, reason: str | None) -> None:
    """Ask before letters go that were found by their reason, or that others stand on. End the command unless agreed."""
    follows = [line for name, stake in stakes.items() for line in what_follows(name, stake)]
    if not asked or not (reason or follows):
        return
    for line in follows:
        console.err.print(line, soft_wrap=True, highlight=False)
    if not sys.stdin.isatty():
        console.fail("nothing was discarded: no terminal to ask on; --yes does not ask")
    if console.err.input(Text(f"{_question(asked, reason)} [y/N]: ")).strip().lower() not in YES:
        console.fail("nothing was discarded", code=console.FAILED)


def what_follows(service: str, stake: Stake) -> list[str]:
    """Say what becomes of the rest when a service never decides about these letters."""
    lines = []
    if stake.own:
        lines.append(
            f"{service}: {several(stake.own, 'letter')} of these came from Tekil's own services, which say a thing "
            "once: without it books or stock differ for good"
        )
    if stake.letters_behind or stake.parked_behind:
        behind = f"{several(stake.letters_behind, 'letter')} and {several(stake.parked_behind, 'parked message')}"
        lines.append(f"{service}: {behind} stand behind these, and are decided as if these had never come")
    return lines


def _question(asked: Asked, reason: str | None) -> str:
    if reason is None:
        return "Discard all the same?"
    numbers = ", ".join(f"{len(ids):,} of {name}" for name, ids in asked.items())
    return f"Discard the letters with reason {reason}: {numbers}?"
