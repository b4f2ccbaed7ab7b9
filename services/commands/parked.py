"""`tekil parked list`: what came too early, and what it waits for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from services.commands import console
from services.commands.asking import Json, databases
from services.commands.letters import OfService, named
from services.commands.lines import aligned, has_width, oldest_first
from shared.engine.looking import SHOWN_MAX, Waiting, waits
from shared.runtime.settings import Settings


def list_parked(service: OfService = None, json: Json = False) -> None:
    """List what messages wait for, the oldest first: publish that, and they are decided with it.

    Example: tekil parked list --service order
    """

    async def look(found: Settings) -> dict[str, list[Waiting]]:
        async with databases(found, named(service)) as connections:
            return {name: await waits(connection) for name, connection in connections.items()}

    by_service = console.run(look(console.settings()))
    found = oldest_first(by_service, lambda each: each.since)
    if json:
        console.print_json([{"service": name, **asdict(each)} for name, each in found])
    elif found and has_width():
        console.out.print(listed(found))
    elif found:
        console.print_lines(in_lines(found))
    else:
        console.out.print("nothing is parked")
    for name in cut(by_service):
        console.err.print(f"{name} may have more: {SHOWN_MAX:,} are shown", soft_wrap=True, highlight=False)


def cut(by_service: Mapping[str, Sequence[Waiting]]) -> list[str]:
    """Name the services that were asked for no more than they told."""
    return [name for name, of_it in by_service.items() if len(of_it) == SHOWN_MAX]


def in_lines(found: Iterable[tuple[str, Waiting]]) -> list[str]:
    """Show waits to programs: each is a line."""
    rows = [
        (
            name, f"{each.kind.lower()} {each.key}", f"{each.messages:,}", f"{each.since:%Y-%m-%d %H:%M:%S}",
            f"{each.gives_up_at:%Y-%m-%d %H:%M:%S}", " ".join(each.types),
        )
        for name, each in found
    ]  # fmt: skip
    return aligned([("service", "waits for", "messages", "since (UTC)", "until (UTC)", "types"), *rows])


def listed(found: Iterable[tuple[str, Waiting]]) -> Table:
    """Show waits on 80 columns: the two times stand below each other, and a type has a line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("service", no_wrap=True)
    table.add_column("waits for", overflow="fold")
    table.add_column("messages", justify="right", no_wrap=True)
    table.add_column("since, until (UTC)", no_wrap=True)
    table.add_column("types", overflow="fold")
    for name, each in found:
        table.add_row(
            name, f"{each.kind.lower()} {each.key}", f"{each.messages:,}",
            f"{each.since:%Y-%m-%d %H:%M:%S}\n{each.gives_up_at:%Y-%m-%d %H:%M:%S}", "\n".join(each.types),
        )  # fmt: skip
    return table
