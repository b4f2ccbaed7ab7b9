"""What becomes of dead letters that a person wants tried again or closed: it is asked for, waited for and told."""

import asyncio
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg
import typer
from rich.text import Text

from services.commands import console
from services.commands.lines import several
from shared.engine import letterbox
from shared.engine.letterbox import Standing, Wanted
from shared.engine.letters import Outcome, printable
from shared.engine.looking import is_led

LOOK_AGAIN_S = 0.5
TOO_LARGE = "value-too-large"
BECAME: dict[Outcome, str] = {
    "decided": "decided",
    "parked": "waits now for what it stands on: tekil parked list",
    "repeated": "it had come again by itself, and counted",
    "ignored": "of no interest to this release",
    "discarded": "discarded",
}
"""Outcomes in words."""
Became = Literal[Outcome, "failed", "pending", "unchanged"]
SUMMED_UP: dict[Became, str] = {
    "decided": "decided",
    "repeated": "had come again",
    "ignored": "of no interest",
    "parked": "wait",
    "discarded": "discarded",
    "failed": "failed again",
    "pending": "not tried yet",
    "unchanged": "left alone",
}
"""What a summary counts, in its order."""
SETTLED: frozenset[Became] = frozenset({"decided", "repeated", "ignored"})
"""What a retry is for. What waits is not among it: it is neither done nor a letter any more."""
GONE: frozenset[Became] = frozenset({"discarded"})

Connections = Mapping[str, asyncpg.Connection]
"""To the databases of services, by their names."""
Address = tuple[str, str]
"""The service of a letter, and the letter's id there."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter, and the same in words."""

    letter: str
    became: Became
    says: str


async def retry(
    connections: Connections, asked: Mapping[str, Sequence[str] | None], *, reason: str | None, wait_s: float
) -> list[Fate]:
    """Have letters tried again: these of each service, or all that have the reason. Wait for what becomes of them."""
    wanted: dict[Address, Wanted] = {}
    addresses: list[Address] = []
    try:
        for service, ids in asked.items():
            found = await letterbox.retry(connections[service], ids=ids, reason=reason)
            wanted |= {(service, each.id): each for each in found}
            addresses += [(service, each) for each in (ids or [each.id for each in found])]
        await _say_what_is_waited_for(connections, wanted, wait_s)
        return await _told(connections, wanted, addresses, wait_s)
    except asyncio.CancelledError:
        if wanted:
            _note(f"{several(len(wanted), 'letter')} stay marked: the member that leads tries them all the same")
        raise


async def discard(connections: Connections, asked: Mapping[str, Sequence[str]], *, note: str) -> list[Fate]:
    """Close these letters of each service without trying them again."""
    fates = []
    for service, ids in asked.items():
        closed = await letterbox.discard(connections[service], ids, note=printable(note))
        known = {each.id: each for each in await letterbox.standing(connections[service], ids)}
        for each in ids:
            letter = f"{service}/{each}"
            fates.append(
                Fate(letter, "discarded", "discarded") if each in closed else _unchanged(letter, known.get(each))
            )
    return fates


def tell(fates: Sequence[Fate], *, well: Container[Became], nothing: str) -> None:
    """Print what became of letters, and exit 1 unless all went well."""
    for fate in fates:
        text = Text.assemble(f"{fate.letter}  ", (fate.says, "green" if fate.became in well else "yellow"))
        console.out.print(text, soft_wrap=True)
    if not fates:
        console.out.print(nothing)
    if len(fates) > 1:
        console.print_lines([_summed_up(fates)])
    if not all(fate.became in well for fate in fates):
        raise typer.Exit(console.FAILED)


async def _told(
    connections: Connections, wanted: Mapping[Address, Wanted], addresses: Sequence[Address], wait_s: float
) -> list[Fate]:
    """Look again and again until it is known what became of all, or the time is up."""
    until = time.monotonic() + wait_s
    fates = await _look(connections, wanted, addresses)
    while (pending := [each for each, fate in fates.items() if fate.became == "pending"]) and time.monotonic() < until:
        await asyncio.sleep(min(LOOK_AGAIN_S, until - time.monotonic()))
        fates |= await _look(connections, wanted, pending)
    return list(fates.values())


async def _say_what_is_waited_for(connections: Connections, wanted: Mapping[Address, Wanted], wait_s: float) -> None:
    before = sum(each.waits for each in wanted.values())
    if before:
        _note(f"{before:,} of {len(wanted):,} waited to be tried again before")
    for service in dict.fromkeys(service for service, _ in wanted) if wait_s else ():
        if not await is_led(connections[service]):
            _note(f"no member of {service} leads now: waiting {wait_s:g} s at most (if one runs, see its /readyz)")


def _note(says: str) -> None:
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
        return _unchanged(letter, known)
    if known.outcome is not None:
        return Fate(letter, known.outcome, BECAME[known.outcome])
    if known.state == "open" and known.attempts > wanted.attempts:
        return Fate(letter, "failed", f"set aside again: {known.reason}{_earlier(service, known)}")
    why = "" if led else f": no member of {service} leads now, it is tried when one does"
    return Fate(letter, "pending", f"is to be tried, and was not yet{why}")


def _unchanged(letter: str, known: Standing | None) -> Fate:
    """Say why nothing was done about a letter, and what had become of it before."""
    if known is None:
        return Fate(letter, "unchanged", "is not known")
    if known.outcome is None or known.closed_at is None:
        why = ": too large to be kept, it cannot be tried again" if known.reason == TOO_LARGE else ""
        return Fate(letter, "unchanged", f"is open{why}")
    closed_at = f"{known.closed_at:%Y-%m-%d %H:%M} UTC"
    match known.outcome:
        case "discarded":
            return Fate(letter, "discarded", f"was discarded before, {closed_at}: {known.note}")
        case "parked":
            # Whether it still waits is not known here: what was parked and failed would be open again.
            return Fate(
                letter, "unchanged", f"was parked then, {closed_at}: see tekil parked list, or tekil explain its order"
            )
        case outcome:
            return Fate(letter, outcome, f"was closed before, {closed_at}: {BECAME[outcome]}")


def _earlier(service: str, known: Standing) -> str:
    """Name what has to be retried before a letter, in words to be put behind its reason."""
    if known.behind is None:
        return ""
    return f"; retry {service}/{known.behind} first, or all with --all --service {service}"


def _summed_up(fates: Sequence[Fate]) -> str:
    counts = Counter(fate.became for fate in fates)
    numbers = (f"{counts[became]:,} {how}" for became, how in SUMMED_UP.items() if counts[became])
    return f"{several(len(fates), 'letter')}: {', '.join(numbers)}"
