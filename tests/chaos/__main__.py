"""`python -m tests.chaos`: days of shop and stores on real servers, on which everything fails that can."""

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.runtime.apache_kafka_installation import CACHE
from tests.chaos.campaign import campaign
from tests.chaos.playing import Report
from tests.chaos.schedule import CYCLE, FOR_S

SEEDS = 100_000
STOPPED = 130
out = Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=True)


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds to play.")] = 3,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the first round; the others count on from it. Not given: any.")
    ] = None,
    json_lines: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Add a line of JSON for each round to this file.")
    ] = None,
    logs: Annotated[Path, typer.Option(file_okay=False, help="Where the logs of rounds that fail are kept.")] = CACHE
    / "chaos",
    bug: Annotated[str, typer.Option(help="Plant a bug of tests/chaos/bugs.py in the members: it must be found.")] = "",
) -> None:
    """Play days on a real Kafka and PostgreSQL while members, servers and the network fail, and judge what is left.

    Example: python -m tests.chaos --rounds 50 --seed 1
    """
    first = CYCLE * secrets.randbelow(SEEDS) if seed is None else seed
    # Whoever stops us with SIGTERM gets what Ctrl-C gets: everything that we started ends first.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        reports = asyncio.run(_play(range(first, first + rounds), logs.resolve(), bug, json_lines))
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    out.print(_table(reports))
    failed = sum(bool(report.wrong) for report in reports)
    out.print(f"{len(reports)} rounds: {f'{failed} failed' if failed else 'nothing lost, nothing twice, zero drift'}")
    raise typer.Exit(1 if failed else 0)


async def _play(seeds: range, logs: Path, bug: str, json_lines: Path | None) -> list[Report]:
    reports = []
    with out.status("servers start") as status:
        async with aclosing(campaign(seeds, logs, bug=bug, tell=status.update)) as played:
            async for report in played:
                reports.append(report)
                out.print("\n".join(_lines(report, logs, bug)), markup=False)
                if json_lines:
                    with json_lines.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(asdict(report)) + "\n")
    return reports


def _lines(report: Report, logs: Path, bug: str) -> list[str]:
    """Tell a round in two lines, or, where it failed, all that it takes to see it again."""
    kinds = ", ".join(sorted(each.kind for each in report.applied))
    lines = [f"seed {report.seed}  {'FAILED' if report.wrong else 'well'}  {report.took_s:.0f} s  {kinds}"]
    if volume := report.volume:
        lines.append(
            f"  {volume.orders} orders, {volume.events} events, {volume.entries} entries and postings; again: "
            f"told {volume.told_again}, published {volume.published_again}, "
            f"ignored by members {report.counted['messages_repeated']}"
        )
    if report.wrong:
        lines += [f"  {report.wrong}", f"  services by process: {report.groups}"]
        lines += [
            f"  {each.began_s:5.1f} to {each.ended_s:5.1f} s  {each.kind}: {each.whom}" for each in report.applied
        ]
        lines.append(f"  logs: {logs / str(report.seed)}")
        lines.append(
            f"  see it again: python -m tests.chaos --rounds 1 --seed {report.seed}" + f" --bug {bug}" * bool(bug)
        )
    return lines


def _table(reports: Sequence[Report]) -> Table:
    """Return how often each kind of fault was there, for how long, and in how many rounds that failed."""
    table = Table("kind of fault", "times", "seconds", "in rounds", "of which failed", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in FOR_S:
        applied = [each for report in reports for each in report.applied if each.kind == kind]
        rounds = [report for report in reports if any(each.kind == kind for each in report.applied)]
        seconds = sum(each.ended_s - each.began_s for each in applied)
        failed = sum(bool(report.wrong) for report in rounds)
        table.add_row(kind, str(len(applied)), f"{seconds:.0f}", str(len(rounds)), str(failed))
    return table


if __name__ == "__main__":
    app()
