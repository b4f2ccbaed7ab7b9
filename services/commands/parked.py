"""`tekil parked list`: what came too early, and what it waits for."""

from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from services.commands import console
from services.commands.asking import Json, databases
from services.commands.letters import OfService
from services.registry import NAMES
from shared.engine.looking import Waiting, waits
from shared.runtime.settings import Settings


def list_parked(service: OfService = None, json: Json = False) -> None:
    """List what messages wait for: publish that, and they are decided with it.

    Example: tekil parked list --service order
    """

    async def look(found: Settings) -> dict[str, list[Waiting]]:
        async with databases(found, (service.value,) if service else NAMES) as connections:
            return {name: await waits(connection) for name, connection in connections.items()}

    found = [(name, each) for name, of_it in console.run(look(console.settings())).items() for each in of_it]
    if json:
        console.print_json([{"service": name, **asdict(each)} for name, each in found])
    elif found:
        table = Table(box=None, pad_edge=False)
        for column in ("service", "waits for", "messages", "since (UTC)", "gives up at", "types"):
            table.add_column(column, overflow="fold", justify="right" if column == "messages" else "left")
        for name, each in found:
            table.add_row(
                name, escape(f"{each.kind.lower()} {each.key}"), f"{each.messages:,}", f"{each.since:%Y-%m-%d %H:%M}",
                f"{each.gives_up_at:%Y-%m-%d %H:%M}", escape(", ".join(each.types)),
            )  # fmt: skip
        console.out.print(table)
    else:
        console.out.print("nothing is parked")
