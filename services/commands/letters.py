"""Commands for dead letters: list, show, retry, discard. They ask and mark; the services do what is to be done."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from services.commands import console, fates
from services.commands.asking import Json, databases
from services.commands.fates import Fate
from services.commands.lines import oldest_first
from services.commands.listing import print_counts, print_letter, print_letters, text_of
from services.commands.reasons import insist_on
from services.commands.serving import Name
from services.registry import NAMES
from shared.engine import letterbox
from shared.engine.letterbox import Count, Entry
from shared.engine.message import Headers
from shared.runtime.settings import Settings

Ids = Annotated[
    list[str], typer.Argument(metavar="[ID]...", help="As the list calls them, such as order/k3bvzq7tmd2x.")
]
OfService = Annotated[Name | None, typer.Option("--service", help="Only letters of this service.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="Only letters with this reason.")]


def list_letters(service: OfService = None, reason: OfReason = None, json: Json = False) -> None:
    """List what the services could not process and nobody has seen to yet, the oldest first, and count it by reason.

    Example: tekil dead-letters list --reason decision-failed
    """

    async def look(found: Settings) -> dict[str, tuple[list[Entry], list[Count]]]:
        async with databases(found, named(service)) as connections:
            await insist_on(reason, connections.values())
            return {name: await letterbox.entries(each, reason=reason) for name, each in connections.items()}

    by_service = console.run(look(console.settings()))
    shown = oldest_first(
        {name: entries for name, (entries, _) in by_service.items()}, lambda each: each.first_failed_at
    )
    letters = shown[: letterbox.SHOWN_MAX]
    if json:
        console.print_json([_as_json(name, each) for name, each in letters])
    elif letters:
        print_letters(letters)
        print_counts({name: counts for name, (_, counts) in by_service.items()})
    else:
        console.out.print("no dead letters")
    there = sum(count.letters for _, counts in by_service.values() for count in counts)
    if there > len(letters):
        says = f"the oldest {len(letters):,} of {there:,} letters are shown: see others with --service and --reason"
        console.err.print(says, soft_wrap=True, highlight=False)


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
    facts = _as_json(name, entry)
    if json:
        facts["headers"] = [{"name": header, "value": _json_text(given)} for header, given in headers]
        console.print_json(facts | ({"value": _json_text(body)} if value else {}))
    else:
        print_letter(facts, headers, body if value else None)


def retry_letters(
    ids: Ids = [],  # noqa: B006 - typer asks for a list
    service: OfService = None,
    reason: OfReason = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters, or all of --service and --reason.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="How long to wait for an outcome, seconds.")] = 10.0,
) -> None:
    """Have dead letters decided again, each exactly once, and say what became of them. Exits 1 unless all went well.

    After a repair: what failed because of a bug. Example: tekil dead-letters retry --reason decision-failed
    """
    if bool(ids) == bool(reason or everything) or (ids and service):
        console.fail("name letters, or --reason, or --all; --service goes with the last two")
    asked = _by_service(ids) if ids else dict.fromkeys(named(service))

    async def retry(found: Settings) -> list[Fate]:
        async with databases(found, tuple(asked)) as connections:
            await insist_on(reason, connections.values())
            return await fates.retry(connections, asked, reason=reason, wait_s=wait_s)

    fates.tell(console.run(retry(console.settings())), nothing="no dead letter is open for that")


def discard_letters(
    note: Annotated[str, typer.Option("--note", help="Why, for whoever asks later.")],
    ids: Ids = [],  # noqa: B006 - typer asks for a list
    service: OfService = None,
    reason: OfReason = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before letters are discarded by --reason.")] = False,
) -> None:
    """Close dead letters without trying them again. What they said is forgotten; that they were there is not.

    Example: tekil dead-letters discard order/k3bvzq7tmd2x --note "a test of the new till"
    """
    if bool(ids) == bool(reason) or (ids and service):
        console.fail("name letters, or --reason; --service goes with the latter")
    if not note.strip():
        console.fail("--note is empty: say why, for whoever asks later")
    found = console.settings()
    asked = _of_reason(found, service, reason) if reason else _by_service(ids)
    if reason and asked and not yes:
        _confirm(asked, reason)

    async def discard() -> list[Fate]:
        async with databases(found, tuple(asked)) as connections:
            return await fates.discard(connections, asked, note=note)

    fates.tell(console.run(discard()), nothing="no dead letter is open for that")


def named(service: Name | None) -> tuple[str, ...]:
    """Return the service that --service names, or all."""
    return (service.value,) if service else NAMES


def _of_reason(found: Settings, service: Name | None, reason: str) -> dict[str, list[str]]:
    """Return the letters with a reason, by their services; of a service that has none, nothing."""

    async def look() -> dict[str, list[str]]:
        async with databases(found, named(service)) as connections:
            await insist_on(reason, connections.values())
            return {name: await letterbox.unclosed(each, reason=reason) for name, each in connections.items()}

    return {name: ids for name, ids in console.run(look()).items() if ids}


def _confirm(asked: dict[str, list[str]], reason: str) -> None:
    """Ask whether these letters, and no others, are to be discarded, or end the command."""
    numbers = ", ".join(f"{len(ids):,} of {name}" for name, ids in asked.items())
    if not typer.confirm(f"Discard the letters with reason {reason}: {numbers}?", err=True):
        console.fail("nothing was discarded", code=console.FAILED)


def _by_service(letters: Iterable[str]) -> dict[str, list[str]]:
    """Sort letters by their service, each once, or end the command where one has no name of that form."""
    found: dict[str, list[str]] = {}
    for letter in dict.fromkeys(letters):
        service, _, letter_id = letter.partition("/")
        if service not in NAMES or not letter_id:
            console.fail(f"{letter} is no dead letter's id: they look like order/k3bvzq7tmd2x")
        found.setdefault(service, []).append(letter_id)
    return found


def _as_json(service: str, entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"id": f"{service}/{entry.id}", "service": service, "key": _json_text(entry.key)}


def _json_text(value: bytes | None) -> str | None:
    return None if value is None else text_of(value)
