"""`tekil play`: what would Tekil do?"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from services.commands import console
from services.mesh import Mesh, running
from services.registry import all_services
from services.running import servers
from services.scenario import BadScenario, Envelope, Machine, Real, Simulated, play, read_scenario
from shared.engine.simulation import ManualClock, Simulation
from shared.events.event import Moment
from shared.runtime.settings import Settings


class On(StrEnum):
    """What a scenario is played on."""

    SIMULATION = "simulation"
    EMBEDDED = "embedded"
    KAFKA = "kafka"


def play_files(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="CloudEvents, a JSON object a line.")
    ],
    on: Annotated[
        On, typer.Option(help="In memory, on embedded servers, or on TEKIL_KAFKA and TEKIL_POSTGRES.")
    ] = On.SIMULATION,
    until: Annotated[
        str, typer.Option(help="Stop the clock here (RFC 3339); else it runs until nothing is pending.")
    ] = "",
) -> None:
    """Play scenario files and print every event that the services publish, a JSON object a line.

    Example: tekil play tests/scenarios/world.jsonl tests/scenarios/collected.jsonl
    """
    found = console.settings()
    try:
        events, end = read_scenario(files), TypeAdapter(Moment).validate_strings(until) if until else None
        console.run(_play(events, on, found, end))
    except ValidationError:
        console.fail(f"--until {until} is not an RFC 3339 time with an offset, such as 2026-11-02T09:00:00Z")
    except BadScenario as error:
        console.fail(str(error))


async def _play(events: Sequence[Envelope], on: On, found: Settings, until: datetime | None) -> None:
    clock = ManualClock()
    async with _machine(on, found, clock) as machine:
        async for event in play(events, machine, clock, until=until):
            console.write(json.dumps(event, ensure_ascii=False) + "\n")


@asynccontextmanager
async def _machine(on: On, found: Settings, clock: ManualClock) -> AsyncIterator[Machine]:
    if on is On.SIMULATION:
        patience = timedelta(seconds=found.parked_max_age_s)
        yield Simulated(Simulation(all_services(found), clock, parked_max_age=patience))
        return
    async with servers(found, embedded=on is On.EMBEDDED) as addresses:
        mesh = Mesh(found, bootstrap=addresses.bootstrap, postgres=addresses.postgres, clock=clock)
        async with running(mesh):
            real = Real(mesh)
            await real.begin()
            try:
                yield real
            finally:
                await real.end()
