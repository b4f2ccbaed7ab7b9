"""Many hostile histories on all cores: what became of their messages, and the smallest history of each failure."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context

from tests.hostile.generate import generate
from tests.hostile.play import Tally, play
from tests.simulation.play import Failure
from tests.simulation.shrink import shrink
from tests.simulation.steps import History
from tests.simulation.world import Told

CHUNK = 20
"""Histories that a process plays before it tells of them."""
GIST_CHARS = 60
Gist = tuple[str, str]
"""What tells one kind of failure from another: the check, and how its detail begins."""


@dataclass
class Played:
    """What became of some histories."""

    messages: int = 0
    histories: int = 0
    tally: Tally = field(default_factory=Counter)
    failing: dict[Gist, list[int]] = field(default_factory=dict)
    """Seeds of failing histories, by the kind of failure."""

    def add(self, other: "Played") -> None:
        """Count others, too."""
        self.messages += other.messages
        self.histories += other.histories
        self.tally.update(other.tally)
        for gist, seeds in other.failing.items():
            self.failing.setdefault(gist, []).extend(seeds)


def play_all(seeds: range) -> Played:
    """Play the histories of these seeds."""
    played = Played()
    for seed in seeds:
        history = generate(seed)
        played.histories += 1
        played.messages += sum(isinstance(step, Told) for step in history.steps)
        if failure := play(history, played.tally):
            played.failing.setdefault(gist_of(failure), []).append(seed)
    return played


def campaign(first: int, *, messages: int, cores: int | None = None) -> Iterator[Played]:
    """Play histories from this seed on until there were so many messages; yield what came of all so far."""
    workers = cores or os.cpu_count() or 1
    chunks = (range(at, at + CHUNK) for at in count(first, CHUNK))
    so_far = Played()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: set[Future[Played]] = set()
        while so_far.messages < messages:
            while len(running) < 2 * workers:
                running.add(pool.submit(play_all, next(chunks)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                so_far.add(each.result())
            yield so_far
        pool.shutdown(cancel_futures=True)


def smallest(seed: int) -> tuple[Failure, History] | None:
    """Return why the history of a seed fails, and the smallest part of it that fails in the same way."""
    history = generate(seed)
    failure = play(history)
    if failure is None:
        return None
    wanted = gist_of(failure)
    part, _ = shrink(history, lambda part: (found := play(part)) is not None and gist_of(found) == wanted)
    return failure, part


def told_of(seed: int) -> str:
    """Return the report about a failing history for a person."""
    found = smallest(seed)
    if found is None:
        return f"seed {seed}: clean"
    failure, part = found
    steps = (f"  - {step.text}" for step in part.steps if not (isinstance(step, Told) and step.stays))
    head = (f"seed {seed}: {failure.check}", f"  {failure.detail[:500]}", "this is enough:")
    return "\n".join((*head, *steps, f"see it again: python -m tests.hostile --only {seed}"))


def gist_of(failure: Failure) -> Gist:
    """Return what kind of failure it is, whatever its numbers are."""
    return failure.check, re.sub(r"\d+", "#", failure.detail.partition("\n")[0])[:GIST_CHARS]
