"""`python -m tests.hostile`: hostile messages through all five services, and hostile requests at all their HTTP."""

import argparse
import sys
import time

from rich.progress import Progress
from rich.table import Table

from services.commands import console
from tests.hostile.campaign import Played, campaign, told_of


def main() -> int:
    """Run a campaign; return 1 where it found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000, help="how many to send")
    parser.add_argument("--seed", type=int, default=0, help="of the first history; the others count on from it")
    parser.add_argument("--only", type=int, help="play the history of this seed, and shrink it where it fails")
    asked = parser.parse_args()
    if asked.only is not None:
        report = told_of(asked.only)
        console.out.print(report, markup=False, highlight=False, soft_wrap=True)
        return int(not report.endswith("clean"))
    began = time.monotonic()
    played = _played(asked.seed, asked.messages)
    _show(played, asked.seed, time.monotonic() - began)
    return int(bool(played.failing))


def _played(seed: int, messages: int) -> Played:
    played = Played()
    with Progress(console=console.err, transient=True, disable=not console.err.is_terminal) as progress:
        task = progress.add_task("messages", total=messages)
        for played in campaign(seed, messages=messages):
            progress.update(task, completed=played.messages)
    return played


def _show(played: Played, seed: int, elapsed_s: float) -> None:
    table = Table("outcome", "reason", "messages", box=None)
    table.columns[2].justify = "right"
    for (outcome, reason), times in sorted(played.tally.items()):
        table.add_row(outcome, reason, f"{times:,}")
    console.out.print(table)
    rate = played.messages / elapsed_s
    console.out.print(
        f"{played.messages:,} messages in {played.histories:,} histories from seed {seed}: {elapsed_s:,.0f} s, "
        f"{rate:,.0f} a second; {len(played.failing)} kinds of failure",
        highlight=False,
    )
    for (check, gist), seeds in played.failing.items():
        console.out.print(f"\n{len(seeds)} times {check}: {gist}", markup=False, highlight=False)
        console.out.print(told_of(min(seeds)), markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
