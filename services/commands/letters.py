"""Commands for dead letters: list, show, retry, discard. They ask and mark; the services do what is to be done."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from services.commands import addresses, console, discarding, fates
from services.commands.asking import Json, databases
from services.commands.fates import Fate
from services.commands.lines import oldest_first
from services.commands.listing import (
    json_text,
    print_closed,
    print_counts,
    print_letter,
    print_letters,
    text_of,
)
from services.commands.reasons import insist_on
from services.commands.serving import Name
from services.registry import NAMES
from shared.engine import letterbox
from shared.engine.letterbox import Count, Entry, Stake
from shared.engine.message import Headers
from shared.runtime.settings import Settings

Ids = Annotated[
    list[str],
    typer.Argument(metavar="[ID]...", help="As the list calls them, such as order/k3bvzq7tmd2x, or without the name."),
]
OfService = Annotated[Name | None, typer.Option("--service", help="Only letters of this service.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="Only letters with this reason.")]
NOTHING = "no dead letter is open for that"


def list_letters(
    service: OfService = None,
    reason: OfReason = None,
    key: Annotated[str | None, typer.Option(help="Only letters with exactly this Kafka key, such as an order.")] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Those that were closed instead, the last ones first.")
    ] = False,
    json: Json = False,
) -> None:
    """List what the services could not process and nobody has seen to yet, the oldest first, and count it by reason.

    Example: tekil dead-letters list --reason decision-failed
    """
    if closed:
        if key is not None:
            console.fail("--key goes without --closed: a closed letter has forgotten its key")
        _list_closed(service, reason, json=json)
        return

    async def look(found: Settings) -> dict[str, tuple[list[Entry], list[Count]]]:
        async with databases(found, named(service)) as connections:
            await insist_on(reason, connections.values())
            exactly = None if key is None else key.encode()
            return {
                name: await letterbox.entries(each, reason=reason, key=exactly) for name, each in connections.items()
            }

    by_service = console.run(look(console.settings()))
    shown = oldest_first({name: entries for name, (entries, _) in by_service.items()}, lambda it: it.first_failed_at)
    letters = shown[: letterbox.SHOWN_MAX]
    if json:
        console.print_json([_as_json(name, each) for name, each in letters])
    elif letters:
        print_letters(letters)
        print_counts({name: counts for name, (_, counts) in by_service.items()})
    else:
        console.out.print("no dead letters")
    _say_if_cut(len(letters), sum(count.letters for _, counts in by_service.values() for count in counts), "oldest")


def _list_closed(service: Name | None, reason: str | None, *, json: bool) -> None:
    async def look(found: Settings) -> dict[str, tuple[list[Entry], int]]:
        async with databases(found, named(service)) as connections:
            await insist_on(reason, connections.values())
            return {name: await letterbox.closed(each, reason=reason) for name, each in connections.items()}

    by_service = console.run(look(console.settings()))
    shown = oldest_first({name: entries for name, (entries, _) in by_service.items()}, _closed_at)
    letters = shown[::-1][: letterbox.SHOWN_MAX]
    if json:
        console.print_json([_as_json(name, each) for name, each in letters])
    elif letters:
        print_closed(letters)
    else:
        console.out.print("no dead letter was closed")
    _say_if_cut(len(letters), sum(there for _, there in by_service.values()), "newest")


def _closed_at(entry: Entry) -> datetime:
    assert entry.closed_at is not None, "a letter is closed with the time"
    return entry.closed_at


def _say_if_cut(shown: int, there: int, which: str) -> None:
    if there > shown:
        says = f"the {which} {shown:,} of {there:,} letters are shown: see others with --service and --reason"
        console.err.print(says, soft_wrap=True, highlight=False)


def show_letter(
    letter: Annotated[str, typer.Argument(metavar="ID", help="As the list calls it.")],
    value: Annotated[bool, typer.Option("--value", help="Show what it says, too: it may name a customer.")] = False,
    json: Json = False,
) -> None:
    """Show all that is known of a dead letter, with its headers.

    Example: tekil dead-letters show order/k3bvzq7tmd2x
    """

    async def look(found: Settings) -> tuple[str, Entry, Headers, bytes | None] | None:
        async with databases(found, addresses.services_of([letter])) as connections:
            [(name, [letter_id])] = (await addresses.by_service(connections, [letter])).items()
            entry = await letterbox.entry(connections[name], letter_id)
            return (name, entry, *await letterbox.content(connections[name], letter_id)) if entry else None

    shown = console.run(look(console.settings()))
    if shown is None:
        console.fail(f"no dead letter {letter} is known", code=console.FAILED)
    name, entry, headers, body = shown
    facts = _as_json(name, entry)
    if json:
        facts["headers"] = [{"name": header, "value": json_text(given)} for header, given in headers]
        console.print_json(facts | ({"value": json_text(body, kept="\n\r\t")} if value else {}))
    else:
        print_letter(facts | {"key": text_of(entry.key)}, headers, body if value else None)


def retry_letters(
    ids: Ids = [],  # noqa: B006 - typer asks for a list
    service: OfService = None,
    reason: OfReason = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters, or all of --service and --reason.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="How long to wait for an outcome, seconds.")] = 10.0,
) -> None:
    """Have dead letters decided again, each exactly once, and say what became of them.

    Exits 0 where all are decided, had come again by themselves or are of no interest; 1 where one failed again, waits
    now, was not tried yet or cannot be; 2 where it was asked wrongly or a server does not answer.

    After a repair: what failed because of a bug. Example: tekil dead-letters retry --reason decision-failed
    """
    if bool(ids) == bool(reason or everything) or (ids and service):
        console.fail("name letters, or --reason, or --all; --service goes with the last two")

    async def retry(found: Settings) -> list[Fate]:
        async with databases(found, addresses.services_of(ids) if ids else named(service)) as connections:
            await insist_on(reason, connections.values())
            asked = await addresses.by_service(connections, ids) if ids else dict.fromkeys(connections)
            return await fates.retry(connections, asked, reason=reason, wait_s=wait_s)

    fates.tell(console.run(retry(console.settings())), well=fates.SETTLED, nothing=NOTHING)


def discard_letters(
    note: Annotated[str, typer.Option("--note", help="Why, for whoever asks later.")],
    ids: Ids = [],  # noqa: B006 - typer asks for a list
    service: OfService = None,
    reason: OfReason = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, whatever follows.")] = False,
) -> None:
    """Close dead letters without trying them again. What they said is forgotten; that they were there is not.

    Asks first where letters have --reason, came from Tekil's own services, or have others behind them.

    Exits 0 where all are discarded, now or before; 1 where one is not; 2 where it was asked wrongly, nobody could be
    asked or a server does not answer.

    Example: tekil dead-letters discard order/k3bvzq7tmd2x --note "a test of the new till"
    """
    if bool(ids) == bool(reason) or (ids and service):
        console.fail("name letters, or --reason; --service goes with the latter")
    if not note.strip():
        console.fail("--note is empty: say why, for whoever asks later")
    found = console.settings()
    asked, stakes = console.run(_planned(found, ids, service, reason))
    if not yes:
        discarding.confirm(asked, stakes, reason=reason)

    async def discard() -> list[Fate]:
        async with databases(found, tuple(asked)) as connections:
            return await fates.discard(connections, asked, note=note)

    fates.tell(console.run(discard()), well=fates.GONE, nothing=NOTHING)


def named(service: Name | None) -> tuple[str, ...]:
    """Return the service that --service names, or all."""
    return (service.value,) if service else NAMES


async def _planned(
    found: Settings, ids: list[str], service: Name | None, reason: str | None
) -> tuple[dict[str, list[str]], dict[str, Stake]]:
    """Return the letters to be discarded by their services, those of a reason or these, and what hangs on them."""
    async with databases(found, named(service) if reason else addresses.services_of(ids)) as connections:
        if reason:
            await insist_on(reason, connections.values())
            of_all = {name: await letterbox.unclosed(each, reason=reason) for name, each in connections.items()}
            asked = {name: of_it for name, of_it in of_all.items() if of_it}
        else:
            asked = await addresses.by_service(connections, ids)
        return asked, {name: await letterbox.stake(connections[name], of_it) for name, of_it in asked.items()}


def _as_json(service: str, entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {
        "id": f"{service}/{entry.id}",
        "service": service,
        "key": json_text(entry.key),
        "behind": entry.behind and f"{service}/{entry.behind}",
    }
