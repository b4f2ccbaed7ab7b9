"""Commands that look: order show, explain, reconcile, settings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Annotated

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from services.attribution import store as attribution
from services.attribution.store import Booked
from services.commands import console
from services.commands.books import amount, as_json, explanation
from services.commands.unsettled import held_up, still_unsettled
from services.order import store as order
from services.order.domain.state import BUCKETS, Order
from services.reconcile import Reconciliation, reconcile
from services.registry import NAMES
from shared.engine.looking import Unsettled, unsettled
from shared.kernel.value import as_dict
from shared.runtime.settings import Settings, describe

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@asynccontextmanager
async def databases(found: Settings, names: Sequence[str] = NAMES) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """Connect to the databases of services. Where PostgreSQL fails, here or inside the block, the command ends."""
    base = console.postgres_of(found)
    with console.asking_postgres(base):
        async with AsyncExitStack() as opened:
            yield {name: await opened.enter_async_context(_connected(found, name)) for name in names}


@asynccontextmanager
async def _connected(found: Settings, name: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        f"{console.postgres_of(found)}/{found.database(name)}",
        timeout=console.CONNECT_TIMEOUT_S,
        command_timeout=console.STATEMENT_TIMEOUT_S,
    )
    try:
        yield connection
    finally:
        # Nothing is open on it, and a server that hangs would not say goodbye.
        connection.terminate()


def settings(json: Json = False) -> None:
    """List every TEKIL_ variable, what it is set to and what it means.

    Example: TEKIL_BATCH_MAX=200 tekil settings
    """
    found = describe(console.settings())
    if json:
        console.print_json([asdict(each) for each in found])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("variable", "value", "meaning"):
        table.add_column(name, overflow="fold")
    for each in found:
        value = Text(each.value, style="" if each.is_default else "bold")
        table.add_row(each.variable, value, each.description)
    console.out.print(table)


def show(
    order_id: Annotated[str, typer.Argument(help="The order, or the receipt of a till.")], json: Json = False
) -> None:
    """Show an order: its lines, and where every piece of it is.

    Example: tekil order show WEB-1001
    """

    async def look(found: Settings) -> Order | None:
        async with databases(found, ("order",)) as connections:
            return await order.order_of(connections["order"], order_id)

    shown = console.run(look(console.settings()))
    if shown is None:
        console.fail(f"no order {order_id} is known", code=console.FAILED)
    if json:
        console.print_json(as_dict(shown) | {"status": shown.status})
        return
    _print_order(shown)


def _print_order(shown: Order) -> None:
    table = Table(
        title=Text.assemble(f"{shown.order_id}: ", (shown.status.replace("_", " "), "bold")),
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    buckets = [name for name in BUCKETS if any(getattr(line.pieces, name) for line in shown.lines)]
    for name in ("line", "sku", "gets it", "at"):
        table.add_column(name, overflow="fold")
    for name in (f"net {shown.currency}", "pcs", *buckets):
        table.add_column(name, justify="right", no_wrap=True)
    for line in shown.lines:
        table.add_row(
            line.line_id, line.sku, line.method.replace("_", " "), line.location_id,
            amount(line.net_minor), str(line.quantity), *(str(getattr(line.pieces, name) or "") for name in buckets),
        )  # fmt: skip
    console.out.print(table)
    console.out.print(
        f"taken at {shown.capture_location_id} ({shown.channel}) {shown.placed_at:%Y-%m-%d %H:%M} UTC; "
        f"paid {amount(shown.paid_minor, shown.currency)}, refunded {amount(shown.refunded_minor, shown.currency)}"
    )
    for rejection in shown.rejections:
        console.out.print(
            Text.assemble((rejection.slug, "red"), f" {rejection.sentence} {rejection.line_id or ''}".rstrip())
        )


def explain(
    reference: Annotated[str, typer.Argument(metavar="ORDER|ENTRY", help="An order, or an entry of the journal.")],
    json: Json = False,
) -> None:
    """Say whose stock, whose budget and whose performance an order is, and why: rule, roles, coefficients, rounding.

    Example: tekil explain WEB-1001
    """

    async def look(found: Settings) -> list[Booked]:
        async with databases(found, ("attribution",)) as connections:
            connection = connections["attribution"]
            booked = await attribution.entries_of_order(connection, reference)
            entry = None if booked else await attribution.entry_by_id(connection, reference)
            return [entry] if entry else booked

    found = console.settings()
    booked = console.run(look(found))
    if not booked:
        console.complain(f"nothing was recognised for {reference}: not handed over yet, or unknown")
        for each in console.run(_held_up(found, reference)):
            console.complain(each)
        raise typer.Exit(console.FAILED)
    if json:
        console.print_json(as_json(booked))
    else:
        console.out.print(explanation(booked))


async def _held_up(found: Settings, order_id: str) -> list[str]:
    """Say which services have set messages of an order aside, or let them wait; and which could not be asked."""
    told = []
    for name in NAMES:
        try:
            async with _connected(found, name) as connection:
                told += await held_up(name, connection, order_id)
        except console.SERVER_FAILS:
            told.append(f"{name} could not be asked whether it holds anything of it up")
    return told


def reconcile_all(json: Json = False) -> None:
    """Prove zero drift: the books say what the services did. Exits 1 where anything differs.

    What is still on its way between services shows as a difference. Example: tekil reconcile
    """

    async def look(found: Settings) -> tuple[Reconciliation, dict[str, Unsettled]]:
        async with databases(found) as connections:
            result = await reconcile(connections)
            return result, {name: await unsettled(each) for name, each in connections.items()}

    result, of_services = console.run(look(console.settings()))
    if json:
        counts = {name: asdict(each) for name, each in of_services.items()}
        console.print_json(asdict(result) | {"zero_drift": result.is_zero_drift, "unsettled": counts})
    else:
        console.out.print(reconciliation(result))
        console.print_lines(still_unsettled(of_services, drifts=not result.is_zero_drift))
    if not result.is_zero_drift:
        raise typer.Exit(console.FAILED)


def reconciliation(result: Reconciliation) -> Table:
    """Show a reconciliation."""
    verdict = ("zero drift", "green") if result.is_zero_drift else (f"{result.differences} differences", "red")
    handed = ", ".join(amount(net, currency) for currency, net in sorted(result.net_minor.items())) or "nothing"
    table = Table(
        title=Text.assemble(
            verdict, f": {result.stock_rows:,} stock rows, {result.order_lines:,} order lines, {handed} handed over"
        ),
        title_justify="left",
        box=None,
        pad_edge=False,
        show_header=bool(result.shown),
    )
    for name in ("check", "where", "expected", "found"):
        table.add_column(name)
    for each in result.shown:
        table.add_row(each.check, each.where, each.expected, each.found)
    return table
