"""`tekil simulate-faults`: random histories on services, a bus and clocks that fail. Part of the checkout's tests."""

import os
import time
from typing import Annotated

import typer
from rich.progress import Progress

from services.commands import console


def simulate_faults(
    histories: Annotated[int, typer.Option(min=1, help="How many histories to play.")] = 1000,
    first: Annotated[int, typer.Option(min=0, help="The seed of the first; the others count on from it.")] = 0,
    seed: Annotated[int | None, typer.Option(min=0, help="Play only the history of this seed.")] = None,
    steps: Annotated[
        str, typer.Option(help="With --seed: play only these steps of it, as a failing history names them.")
    ] = "",
    cores: Annotated[int, typer.Option(min=1, help="Processes that play.")] = os.cpu_count() or 1,
) -> None:
    """Play random histories in which everything goes wrong that may, and check every promise after each step.

    A history that breaks one is shrunk to the shortest that still does, and told with the command that replays it.

    Example: tekil simulate-faults --histories 100000
    """
    try:
        from tests.simulation import campaign
    except ModuleNotFoundError:
        console.fail("the simulation is part of Tekil's tests: run this in a checkout, after `make setup`")
    if seed is None:
        began = time.monotonic()
        seed = _first_failing(range(first, first + histories), cores)
        if seed is None:
            elapsed_s = time.monotonic() - began
            console.out.print(
                f"{histories:,} histories, all clean: {elapsed_s:,.0f} s, {histories / elapsed_s:,.0f} a second"
            )
            return
    found = campaign.examine(seed, _numbers(steps))
    if found is None:
        console.out.print(f"seed {seed}: clean")
        return
    console.out.print(found.told(), highlight=False, soft_wrap=True)
    raise typer.Exit(console.FAILED)


def _first_failing(seeds: range, cores: int) -> int | None:
    from tests.simulation import campaign

    with Progress(console=console.err, transient=True, disable=not console.err.is_terminal) as progress:
        task = progress.add_task("histories", total=len(seeds))
        for done, failing in campaign.campaign(seeds, cores=cores):
            progress.update(task, completed=done)
            if failing is not None:
                return failing
    return None


def _numbers(steps: str) -> tuple[int, ...] | None:
    """Return the numbers of steps, None for all. `none` are no steps at all."""
    try:
        return None if not steps else tuple(int(number) for number in steps.split(",") if number != "none")
    except ValueError:
        console.fail(f"--steps {steps}: they are numbers with commas between, such as 0,4,17")
