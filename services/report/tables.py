"""The report for a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.report.ranking import Ranked, ranking
from services.report.report import Report
from services.report.words import FLOWS, ROLES, amount, fate, place, refusal, slug


def tables(report: Report) -> RenderableType:
    """Show a report."""
    shown = (
        _counts("Lines of the data set", ((fate(each), each.count) for each in report.lines)),
        _counts("Orders", (_order(each.channel, fate(each), each.count) for each in report.orders)),
        _counts("Refusals", ((refusal(each), each.count) for each in report.refusals)),
        _counts("Dead letters", report.dead_letters.items()),
        _amounts(
            "Net by store whose shelf it left",
            ranking((place(each.location_id), each.flow, each.net_minor) for each in report.net_by_store),
            FLOWS,
            report.currency,
        ),
        _amounts(
            "Credit by location and role",
            ranking((place(each.location_id), each.role, each.amount_minor) for each in report.credit),
            ROLES,
            report.currency,
        ),
        _amounts("Credit by associate", _associates(report), {}, report.currency),
        _amounts(
            "Discounts by funder",
            ranking((each.name, "", each.amount_minor) for each in report.discounts),
            {},
            report.currency,
        ),
    )
    return Group(_summary(report), *(Padding(table, (1, 0, 0, 0)) for table in shown if table.row_count))


def _summary(report: Report) -> Table:
    speed, drift = report.speed, report.drift
    verdict = ("zero drift", "green") if drift.is_zero_drift else (f"{drift.differences:,} differences", "red")
    compared = f": {drift.stock_rows:,} stock rows and {drift.order_lines:,} order lines compared"
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("played", f"{report.baskets:,} baskets of {report.data_set}, {report.lines_read:,} lines, seed {report.seed}"),
        ("booked", f"{amount(report.net_minor, report.currency)} net, {drift.order_lines:,} order lines"),
        ("took", f"{speed.elapsed_s:,.1f} s: {_rates(report)}"),
        ("books", Text.assemble(verdict, compared)),
    ):
        table.add_row(Text(name, "dim"), value)
    return table


def _rates(report: Report) -> str:
    speed = report.speed
    orders, lines = f"{speed.orders_per_s:,.0f} orders", f"{speed.lines_per_s:,.0f} lines"
    return f"{orders}, {lines}, {speed.messages_per_s:,.0f} messages a second"


def _order(channel: str, what: str, count: int) -> tuple[str, int]:
    return (f"at the till: {what}" if channel == "till" else f"on the web: {what}", count)


def _associates(report: Report) -> list[Ranked]:
    named = ((place(each.name) or "no person", "", each.amount_minor) for each in report.associates)
    return ranking(named)


def _counts(title: str, rows: Iterable[tuple[str, int]]) -> Table:
    table = _table(title, "", "count")
    counted = [(slug(name), count) for name, count in rows]
    for name, count in counted:
        table.add_row(name, f"{count:,}")
    if len(counted) > 1:
        table.add_section()
        table.add_row("all", f"{sum(count for _, count in counted):,}", style="dim")
    return table


def _amounts(title: str, rows: Sequence[Ranked], parts: dict[str, str], currency: str) -> Table:
    """Show names with a column for each part of which there is any, and one for the whole."""
    present = [part for part in parts if any(each.parts.get(part) for each in rows)]
    table = _table(title, "", *(parts[part] for part in present), "all" if present else currency)
    for each in rows:
        columns = [amount(each.parts.get(part, 0)) for part in present]
        table.add_row(each.name, *columns, amount(each.total))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", style="", header_style="dim")
    return table
