"""Which dead letters are meant: their ids as people type and paste them, with the name of a service or without."""

from collections.abc import Iterable, Mapping

import asyncpg

from services.commands import console
from services.registry import NAMES
from shared.engine import letterbox


def services_of(letters: Iterable[str]) -> tuple[str, ...]:
    """Return the services that have to be asked about letters: all, where a letter does not name its own."""
    found = {_typed(letter)[0] for letter in letters}
    return NAMES if None in found else tuple(name for name in NAMES if name in found)


async def by_service(connections: Mapping[str, asyncpg.Connection], letters: Iterable[str]) -> dict[str, list[str]]:
    """Sort letters by their services, each once. One that does not name its service is looked for in all of them.

    One that is nowhere then, or that several services have, ends the command.
    """
    found: dict[str, list[str]] = {}
    for letter in letters:
        service, letter_id = _typed(letter)
        ids = found.setdefault(service or await _owner(connections, letter_id), [])
        if letter_id not in ids:
            ids.append(letter_id)
    return found


def _typed(letter: str) -> tuple[str | None, str]:
    """Split what was typed into a service, where it names one, and an id. Blanks and capitals are forgiven."""
    service, slash, letter_id = "".join(letter.split()).lower().rpartition("/")
    if not letter_id or (slash and service not in NAMES):
        console.fail(f"{letter} is no dead letter's id: they look like order/k3bvzq7tmd2x")
    return service or None, letter_id


async def _owner(connections: Mapping[str, asyncpg.Connection], letter_id: str) -> str:
    """Return the service that has a letter: a record that several could not read has the same id in each of them."""
    owners = [name for name, each in connections.items() if await letterbox.standing(each, [letter_id])]
    if not owners:
        console.fail(f"no dead letter {letter_id} is known", code=console.FAILED)
    if len(owners) > 1:
        console.fail(f"{letter_id} may be {' or '.join(f'{name}/{letter_id}' for name in owners)}: say which")
    return owners[0]
