"""Many histories on all cores: until one fails, or all were clean."""

import gc
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context

from tests.simulation.generate import generate
from tests.simulation.play import Failure, Stage
from tests.simulation.shrink import only, shrink
from tests.simulation.steps import History

CHUNK = 50
COMMAND = "tekil simulate-faults"
GARBAGE_EVERY = 200
"""Histories between two collections: most of what they leave goes by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """A history that fails, and the shortest part of it that still does."""

    failure: Failure
    history: History
    kept: tuple[int, ...]
    steps: int

    def told(self) -> str:
        """Return the report for a person: what is wrong, the shortest history, and how to see it again."""
        numbers = ",".join(map(str, self.kept))
        lines = (f"  {number:>4}  {step.text}" for number, step in zip(self.kept, self.history.steps, strict=True))
        return "\n".join(
            (
                f"seed {self.history.seed}: {self.failure.check}",
                f"  {self.failure.detail}",
                f"{len(self.kept)} of its {self.steps} steps are enough:",
                *lines,
                f"see it again: {COMMAND} --seed {self.history.seed} --steps {numbers or 'none'}",
            )
        )


@lru_cache(maxsize=1)
def stage() -> Stage:
    """Return the stage of this process."""
    made = Stage()
    gc.freeze()
    return made


def first_failing(seeds: range) -> int | None:
    """Play the histories of these seeds, and return the first that fails."""
    gc.disable()
    try:
        for seed in seeds:
            if stage().play(generate(seed)):
                return seed
            if seed % GARBAGE_EVERY == 0:
                gc.collect()
    finally:
        gc.enable()
    return None


def examine(seed: int, steps: tuple[int, ...] | None = None) -> Found | None:
    """Play a history, or only some steps of it, and shrink it where it fails."""
    history = generate(seed)
    numbers = steps if steps is not None else tuple(range(len(history.steps)))
    failure = stage().play(only(history, numbers))
    if failure is None:
        return None
    shortest, kept = shrink(
        only(history, numbers), lambda part: (found := stage().play(part)) is not None and found.check == failure.check
    )
    again = stage().play(shortest) or failure
    return Found(again, shortest, tuple(numbers[number] for number in kept), len(history.steps))


def campaign(seeds: range, *, cores: int | None = None) -> Iterator[tuple[int, int | None]]:
    """Play the histories of many seeds; yield how many are done and, where one failed, its seed, and end there."""
    chunks = (seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK))
    workers = cores or os.cpu_count() or 1
    done = 0
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[int | None], range] = {}
        while True:
            while len(running) < 2 * workers and (chunk := next(chunks, None)):
                running[pool.submit(first_failing, chunk)] = chunk
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done += len(running.pop(future))
                if (failing := future.result()) is not None:
                    pool.shutdown(cancel_futures=True)
                    yield done, failing
                    return
                yield done, None
