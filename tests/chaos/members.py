"""A child of the nursery that runs members of some services, until SIGTERM."""

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from shared.engine.member import Limits, Member
from shared.engine.service import Service
from tests.chaos.bugs import planted
from tests.chaos.load import services
from tests.mesh.place import Place

LIMITS = replace(Limits(), backoff_max_s=1.0)
"""Those of production, save that nobody waits for ten seconds after a failure: a round is short."""
TRY_AGAIN_S = 0.5
COUNT_S = 0.5
COUNTED = "messages_repeated", "retries", "rebalances", "relayed"
log = structlog.get_logger()


class SharedClock:
    """A clock that all processes read from one file, so that it moves for all of them."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._file.read_text())

    def move_to(self, moment: datetime) -> None:
        """Set it, so that nobody ever reads half of it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(moment.isoformat())
        fresh.rename(self._file)


def run(given: dict[str, Any]) -> None:
    """Run members as `given` says: bootstrap, prefix, databases by service, clock, counts and bug."""
    with planted(given.pop("bug")):
        asyncio.run(_run(**given))


async def _run(*, clock: str, counts: str, **where: Any) -> None:
    place, told = Place(**where), SharedClock(Path(clock))
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    running = [
        asyncio.create_task(_until(stopping, place, service, told, Path(counts)))
        for service in services()
        if service.name in place.databases
    ]
    await asyncio.gather(*running)


async def _until(stopping: asyncio.Event, place: Place, service: Service, clock: SharedClock, counts: Path) -> None:
    """Run a member until it is asked to stop."""
    starting = asyncio.create_task(_started(place, service, clock))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        return
    member = starting.result()
    while not stopping.is_set():
        _count(member, counts)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked), COUNT_S)
    await member.stop()
    _count(member, counts)


async def _started(place: Place, service: Service, clock: SharedClock) -> Member:
    """Start a member, again and again while what it needs is away, as whoever supervises a service does."""
    while True:
        member = place.member(service, limits=LIMITS, clock=clock)
        try:
            await member.start()
        except Exception as error:
            log.warning("not started", service=service.name, cause=repr(error))
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            return member


def _count(member: Member, counts: Path) -> None:
    """Write down what the member counts, since it may be killed at any time."""
    found = dict.fromkeys(COUNTED, 0.0)
    for metric in member.metrics.registry.collect():
        for sample in metric.samples:
            name = sample.name.removeprefix("tekil_").removesuffix("_total")
            name = f"{name}_{sample.labels['outcome']}" if "outcome" in sample.labels else name
            if name in found:
                found[name] += sample.value
    fresh = counts.with_name(f"{counts.name}-{member.service.name}.new")
    fresh.write_text(json.dumps(found))
    fresh.rename(fresh.with_suffix(".json"))
