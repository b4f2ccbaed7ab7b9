"""Commands for dead letters: list, show, retry, discard. They ask and mark; the services do what is to be done."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from services.commands import console
from services.commands.asking import Json, databases
from services.commands.serving import Name
from services.registry import NAMES
from shared.engine import letterbox
from shared.engine.letterbox import Entry, Standing
from shared.engine.letters import printable
from shared.engine.looking import is_led
from shared.engine.message import Headers
from shared.runtime.settings import Settings

LOOK_AGAIN_S = 0.1
DETAIL_SHOWN = 60
"""Characters of a detail in a list; `show` has it all."""
BECAME = {
    "decided": "decided",
    "parked": "parked: it waits for what it stands on",
    "repeated": "it had come again by itself, and counted",
    "ignored": "of no interest to this release",
    "discarded": "discarded before",
}
"""Outcomes in words."""

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="As the list calls them, such as order/k3bvzq7tmd2x.")]
OfService = Annotated[Name | None, typer.Option("--service", help="Only letters of this service.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="Only letters with this reason.")]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter, in words; `good` where what was asked came true, `pending` where it may still."""

    id: str
    says: str
    good: bool = False
    pending: bool = False


def list_letters(service: OfService = None, reason: OfReason = None, json: Json = False) -> None:
    """List what the services could not process and nobody has seen to yet, the oldest first.

    Example: tekil dead-letters list --reason decision-failed
    """

    async def look(found: Settings) -> dict[str, list[Entry]]:
        async with databases(found, named(service)) as connections:
            return {name: await letterbox.entries(each, reason=reason) for name, each in connections.items()}

    letters = [(name, each) for name, of_it in console.run(look(console.settings())).items() for each in of_it]
    if json:
        console.print_json([_as_json(name, each) for name, each in letters])
    elif letters:
        console.out.print(_listed(letters))
    else:
        console.out.print("no dead letters")


def show_letter(
    letter: Annotated[str, typer.Argument(metavar="ID", help="As the list calls it.")],
    value: Annotated[bool, typer.Option("--value", help="Show what it says, too: it may name a customer.")] = False,
    json: Json = False,
) -> None:
    """Show all that is known of a dead letter, with its headers.

    Example: tekil dead-letters show order/k3bvzq7tmd2x
    """
    [(name, [letter_id])] = _by_service([letter]).items()

    async def look(found: Settings) -> tuple[Entry, Headers, bytes | None] | None:
        async with databases(found, (name,)) as connections:
            entry = await letterbox.entry(connections[name], letter_id)
            return (entry, *await letterbox.content(connections[name], letter_id)) if entry else None

    shown = console.run(look(console.settings()))
    if shown is None:
        console.fail(f"no dead letter {letter} is known", code=console.FAILED)
    entry, headers, body = shown
    facts = _as_json(name, entry) | {"headers": {header: _text(given) for header, given in headers}}
    if value:
        facts["value"] = _text(body)
    if json:
        console.print_json(facts)
        return
    console.out.print(_shown(facts))


def retry_letters(
    ids: Ids = [],  # noqa: B006 - typer asks for a list
    service: OfService = None,
    reason: OfReason = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters, or all of --service.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="How long to wait for an outcome, seconds.")] = 10.0,
) -> None:
    """Have dead letters decided again, each exactly once, and say what became of them. Exits 1 unless all went well.

    After a repair: what failed because of a bug. Example: tekil dead-letters retry --reason decision-failed
    """
    if bool(ids) == bool(reason or everything) or (ids and service):
        console.fail("name letters, or --reason, or --all; --service goes with the last two")
    wanted = _by_service(ids) if ids else dict.fromkeys(named(service))
    fates = console.run(_retry(console.settings(), wanted, reason, wait_s))
    _tell(fates, nothing="no dead letter is open for that")


def discard_letters(
    ids: Ids, note: Annotated[str, typer.Option("--note", help="Why, for whoever asks later.")]
) -> None:
    """Close dead letters without trying them again. What they said is forgotten; that they were there is not.

    Example: tekil dead-letters discard order/k3bvzq7tmd2x --note "a test of the new till"
    """
    wanted = _by_service(ids)

    async def discard(found: Settings) -> list[Fate]:
        async with databases(found, tuple(wanted)) as connections:
            fates = []
            for name, of_it in wanted.items():
                closed = await letterbox.discard(connections[name], of_it, note=printable(note))
                known = {each.id: each for each in await letterbox.standing(connections[name], of_it)}
                fates += [
                    Fate(f"{name}/{each}", "discarded", good=True)
                    if each in closed
                    else Fate(f"{name}/{each}", _fate("", known.get(each), attempts=0).says)
                    for each in of_it
                ]
            return fates

    _tell(console.run(discard(console.settings())), nothing="")


async def _retry(
    found: Settings, wanted: Mapping[str, list[str] | None], reason: str | None, wait_s: float
) -> list[Fate]:
    async with databases(found, tuple(wanted)) as connections:
        before: dict[str, dict[str, int]] = {}
        for name, ids in wanted.items():
            marked = await letterbox.retry(connections[name], ids=ids, reason=reason)
            before[name] = dict.fromkeys(ids or (), 0) | marked
        until = time.monotonic() + wait_s
        while True:
            fates = [fate for name in wanted for fate in await _fates(name, connections[name], before[name])]
            if not any(fate.pending for fate in fates) or time.monotonic() > until:
                return fates
            await asyncio.sleep(LOOK_AGAIN_S)


async def _fates(name: str, connection: asyncpg.Connection, before: Mapping[str, int]) -> list[Fate]:
    """Say how it stands with letters, given how often each had failed before."""
    known = {each.id: each for each in await letterbox.standing(connection, before)}
    led = await is_led(connection)
    fates = []
    for letter_id, attempts in before.items():
        fate = _fate(f"{name}/{letter_id}", known.get(letter_id), attempts)
        if fate.pending and not led:
            fate = Fate(fate.id, f"no member of {name} runs now: it is tried when one does")
        fates.append(fate)
    return fates


def _fate(letter: str, known: Standing | None, attempts: int) -> Fate:
    if known is None:
        return Fate(letter, "is not known")
    if known.outcome is not None:
        return Fate(letter, BECAME[known.outcome], good=known.outcome != "discarded")
    if known.state == "open" and known.attempts > attempts:
        return Fate(letter, f"set aside again: {known.reason}{_earlier(letter, known)}")
    return Fate(letter, "is to be tried, and was not yet", pending=True)


def _earlier(letter: str, known: Standing) -> str:
    """Name what has to be retried before a letter, in words to be put behind its reason."""
    if known.behind is None:
        return ""
    service = letter.partition("/")[0]
    return f"; retry {service}/{known.behind} first, or all with --all --service {service}"


def _tell(fates: Iterable[Fate], *, nothing: str) -> None:
    """Print what became of letters, and exit 1 unless all went well."""
    told = list(fates)
    for fate in told:
        console.out.print(Text.assemble(f"{fate.id}  ", (fate.says, "green" if fate.good else "yellow")))
    if not told:
        console.out.print(nothing)
    if not all(fate.good for fate in told):
        raise typer.Exit(console.FAILED)


def named(service: Name | None) -> tuple[str, ...]:
    """Return the service that --service names, or all."""
    return (service.value,) if service else NAMES


def _by_service(letters: Iterable[str]) -> dict[str, list[str]]:
    """Sort letters by their service, or end the command where one has no name of that form."""
    found: dict[str, list[str]] = {}
    for letter in letters:
        service, _, letter_id = letter.partition("/")
        if service not in NAMES or not letter_id:
            console.fail(f"{letter} is no dead letter's id: they look like order/k3bvzq7tmd2x")
        found.setdefault(service, []).append(letter_id)
    return found


def _as_json(service: str, entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"id": f"{service}/{entry.id}", "service": service, "key": _text(entry.key)}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")


def _listed(letters: Iterable[tuple[str, Entry]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("id", "reason", "type", "key", "topic", "since (UTC)", "tries", "detail"):
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "since (UTC)"))
    for service, each in letters:
        detail = each.detail if len(each.detail) <= DETAIL_SHOWN else f"{each.detail[:DETAIL_SHOWN]}…"
        given = (each.type, printable(_text(each.key) or ""), each.topic)
        table.add_row(
            f"{service}/{each.id}", each.reason, *given, f"{each.first_failed_at:%Y-%m-%d %H:%M}",
            str(each.attempts), detail,
        )  # fmt: skip
    return table


def _shown(facts: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    headers = {f"header {name}": text for name, text in facts["headers"].items()}
    for name, given in {**facts, **headers}.items():
        if given is not None and name != "headers":
            text = given if name == "value" else printable(str(given))
            table.add_row(printable(name).replace("_", " "), text)
    return table
