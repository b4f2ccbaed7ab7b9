"""`tekil replay` and `tekil report`: a year of real baskets through the machine, and what the books say."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.attribution import store as attribution
from services.commands import console
from services.commands.asking import Json, databases
from services.commands.books import amount
from services.commands.replaying import replay
from services.mesh import Mesh, NotSettled, running
from services.replay.dataset import DatasetMissing
from services.replay.replay import Options
from services.replay.replay import Progress as Played
from services.replay.wire import NotHeeded
from services.report.page import page
from services.report.report import Report
from services.report.tables import tables
from services.running import NotPrepared, servers
from shared.runtime.settings import Settings

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
CANNOT_REPLAY = (DatasetMissing, NotHeeded, NotSettled, NotPrepared)


class DataSet(StrEnum):
    """What can be replayed."""

    COMPLETEJOURNEY = "completejourney"


def replay_data_set(
    data_set: Annotated[DataSet, typer.Argument(help="A grocer's year of baskets.")],
    baskets: Annotated[int, typer.Option(min=1, help="How many, from the start of the year.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Of everything that the data set does not say.")] = 1,
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the report as a page here too.")] = None,
    json: Json = False,
) -> None:
    """Play real baskets through all five services, as till sales and web orders, and report what the books say.

    On TEKIL_KAFKA and TEKIL_POSTGRES, embedded where they are not set. Exits 1 where anything drifts.
    Example: tekil replay completejourney --baskets 2000 --html report.html
    """
    found = console.settings(usual_level="WARNING")
    try:
        report = console.run(_replay(found, Options(baskets=baskets, seed=seed)))
    except CANNOT_REPLAY as error:
        console.fail(str(error))
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if json:
        console.print_json(report.as_json())
    else:
        console.out.print(tables(report))
    if not report.drift.is_zero_drift:
        raise typer.Exit(console.FAILED)


async def _replay(found: Settings, options: Options) -> Report:
    async with _mesh(found) as mesh:
        return await replay_with_progress(mesh, options)


@asynccontextmanager
async def _mesh(found: Settings) -> AsyncIterator[Mesh]:
    async with servers(found) as addresses:
        console.err.print(Text(addresses.running_on, "dim"))
        async with running(Mesh(found, bootstrap=addresses.bootstrap, postgres=addresses.postgres)) as mesh:
            yield mesh


async def replay_with_progress(mesh: Mesh, options: Options) -> Report:
    """Play the data set to a running mesh, with a bar on a terminal, and report."""
    with _bar(options) as show:
        return await replay(mesh, options, show)


@contextmanager
def _bar(options: Options) -> Iterator[Callable[[Played], None]]:
    columns = (
        TextColumn("{task.fields[day]}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} orders final, {task.fields[rate]:,.0f} a second"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console.err, disable=not console.err.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=options.baskets, day="", rate=0.0)

        def show(played: Played) -> None:
            progress.update(task, completed=played.orders_settled, day=played.day, rate=played.orders_per_s)

        yield show


class What(StrEnum):
    """What the books can be asked for."""

    CREDIT = "credit"
    NET = "net"
    DISCOUNTS = "discounts"


class By(StrEnum):
    """Whose credit."""

    LOCATION = "location"
    CHANNEL = "channel"
    ASSOCIATE = "associate"


def report(
    what: Annotated[What, typer.Argument(help="Credit, net sales by flow and store, or discounts by funder.")],
    by: Annotated[By | None, typer.Option(help="Of credit: by whom; by location where it is not said.")] = None,
    period: Annotated[str, typer.Option(metavar="YYYY-MM", help="One month; else all.")] = "",
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
) -> None:
    """Report what the books say.

    Example: tekil report credit --by associate --period 2026-11
    """
    if period and not MONTH.fullmatch(period):
        console.fail(f"--period {period} is no month: write it as 2026-11")
    if by is not None and what is not What.CREDIT:
        console.fail("--by is for credit: net is by flow and store, discounts are by funder")
    rows = console.run(_read(console.settings(), what, by or By.LOCATION, period or None))
    if not rows:
        console.err.print(f"nothing is booked{' in ' + period if period else ' yet'}", highlight=False)
    if json:
        console.print_json([asdict(row) for row in rows])
    elif as_csv:
        _print_csv(rows)
    else:
        console.out.print(_table(rows))


async def _read(found: Settings, what: What, by: By, period: str | None) -> Sequence[Any]:
    async with databases(found, ("attribution",)) as connections:
        books = connections["attribution"]
        match what:
            case What.CREDIT:
                return await attribution.credit_totals(books, by.value, period=period)
            case What.NET:
                return await attribution.net_by_flow(books, period=period)
            case What.DISCOUNTS:
                return await attribution.discounts_by_funder(books, period=period)


def _print_csv(rows: Sequence[Any]) -> None:
    if rows:
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(rows[0])], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
        console.write(text.getvalue())


def _table(rows: Sequence[Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    if not rows:
        return table
    names = [field.name for field in fields(rows[0]) if field.name != "currency"]
    for name in names:
        is_number = name == "quantity" or name.endswith("_minor")
        table.add_column(name.removesuffix("_minor").replace("_", " "), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_cell(name, getattr(row, name), row.currency) for name in names))
    return table


def _cell(name: str, value: object, currency: str) -> str:
    return amount(int(str(value)), currency) if name.endswith("_minor") else str(value) or "(nobody)"
