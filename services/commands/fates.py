"""What becomes of dead letters that a person wants tried again or closed: it is asked for, waited for and told."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import typer
from rich.text import Text

from services.commands import console
from shared.engine import letterbox
from shared.engine.letterbox import Standing, Wanted
from shared.engine.letters import printable
from shared.engine.looking import is_led

LOOK_AGAIN_S = 0.5
TOO_LARGE = "value-too-large"
BECAME = {
    "decided": "decided",
    "parked": "parked: it waits for what it stands on",
    "repeated": "it had come again by itself, and counted",
    "ignored": "of no interest to this release",
    "discarded": "discarded",
}
"""Outcomes in words."""

Connections = Mapping[str, asyncpg.Connection]
"""To the databases of services, by their names."""
Address = tuple[str, str]
"""The service of a letter, and the letter's id there."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter, in words; `good` where what was asked came true, `pending` where it may still."""

    letter: str
    says: str
    good: bool = False
    pending: bool = False


async def retry(
    connections: Connections, asked: Mapping[str, Sequence[str] | None], *, reason: str | None, wait_s: float
) -> list[Fate]:
    """Have letters tried again: these of each service, or all that have the reason. Wait for what becomes of them."""
    wanted: dict[Address, Wanted] = {}
    addresses: list[Address] = []
    for service, ids in asked.items():
        found = await letterbox.retry(connections[service], ids=ids, reason=reason)
        wanted |= {(service, each.id): each for each in found}
        addresses += [(service, each) for each in (ids or [each.id for each in found])]
    await _say_what_is_waited_for(connections, wanted, wait_s)
    until = time.monotonic() + wait_s
    fates = await _look(connections, wanted, addresses)
    while (pending := [address for address, fate in fates.items() if fate.pending]) and time.monotonic() < until:
        await asyncio.sleep(min(LOOK_AGAIN_S, until - time.monotonic()))
        fates |= await _look(connections, wanted, pending)
    return list(fates.values())


async def discard(connections: Connections, asked: Mapping[str, Sequence[str]], *, note: str) -> list[Fate]:
    """Close these letters of each service without trying them again."""
    fates = []
    for service, ids in asked.items():
        closed = await letterbox.discard(connections[service], ids, note=printable(note))
        known = {each.id: each for each in await letterbox.standing(connections[service], ids)}
        for each in ids:
            says = "discarded" if each in closed else _unchanged(known.get(each))
            fates.append(Fate(f"{service}/{each}", says, good=each in closed))
    return fates


def tell(fates: Sequence[Fate], *, nothing: str) -> None:
    """Print what became of letters, and exit 1 unless all went well."""
    for fate in fates:
        text = Text.assemble(f"{fate.letter}  ", (fate.says, "green" if fate.good else "yellow"))
        console.out.print(text, soft_wrap=True)
    if not fates:
        console.out.print(nothing)
    if len(fates) > 1:
        console.err.print(_summed_up(fates), highlight=False)
    if not all(fate.good for fate in fates):
        raise typer.Exit(console.FAILED)


async def _say_what_is_waited_for(connections: Connections, wanted: Mapping[Address, Wanted], wait_s: float) -> None:
    before = sum(each.waits for each in wanted.values())
    if before:
        says = f"{before:,} of {len(wanted):,} waited to be tried again before"
        console.err.print(says, soft_wrap=True, highlight=False)
    for service in dict.fromkeys(service for service, _ in wanted) if wait_s else ():
        if not await is_led(connections[service]):
            says = f"no member of {service} leads now: waiting {wait_s:g} s at most (if one runs, see its /readyz)"
            console.err.print(says, soft_wrap=True, highlight=False)


async def _look(
    connections: Connections, wanted: Mapping[Address, Wanted], addresses: Iterable[Address]
) -> dict[Address, Fate]:
    """Say how it stands with letters now."""
    by_service: dict[str, list[str]] = {}
    for service, letter_id in addresses:
        by_service.setdefault(service, []).append(letter_id)
    fates: dict[Address, Fate] = {}
    for service, ids in by_service.items():
        known = {each.id: each for each in await letterbox.standing(connections[service], ids)}
        led = await is_led(connections[service])
        for each in ids:
            fates[service, each] = _fate((service, each), wanted.get((service, each)), known.get(each), led=led)
    return fates


def _fate(address: Address, wanted: Wanted | None, known: Standing | None, *, led: bool) -> Fate:
    """Say what became of a letter since it was wanted to be tried again; of one that was not, why."""
    service, letter = address[0], "/".join(address)
    if wanted is None or known is None:
        is_well = known is not None and known.outcome not in (None, "discarded")
        return Fate(letter, _unchanged(known), good=is_well)
    if known.outcome is not None:
        return Fate(letter, BECAME[known.outcome], good=known.outcome != "discarded")
    if known.state == "open" and known.attempts > wanted.attempts:
        return Fate(letter, f"set aside again: {known.reason}{_earlier(service, known)}")
    why = "" if led else f": no member of {service} leads now, it is tried when one does"
    return Fate(letter, f"is to be tried, and was not yet{why}", pending=True)


def _unchanged(known: Standing | None) -> str:
    """Say why nothing was done about a letter."""
    if known is None:
        return "is not known"
    if known.outcome is None or known.closed_at is None:
        return "is open" + (": too large to be kept, it cannot be tried again" if known.reason == TOO_LARGE else "")
    return f"was closed before, {known.closed_at:%Y-%m-%d %H:%M} UTC: {BECAME[known.outcome]}"


def _earlier(service: str, known: Standing) -> str:
    """Name what has to be retried before a letter, in words to be put behind its reason."""
    if known.behind is None:
        return ""
    return f"; retry {service}/{known.behind} first, or all with --all --service {service}"


def _summed_up(fates: Sequence[Fate]) -> str:
    well, pending = sum(fate.good for fate in fates), sum(fate.pending for fate in fates)
    numbers = {"done": well, "not done": len(fates) - well - pending, "not tried yet": pending}
    return f"{len(fates):,} letters: {', '.join(f'{number:,} {how}' for how, number in numbers.items() if number)}"
