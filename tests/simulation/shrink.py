"""The shortest history that still fails: delta debugging (Zeller and Hildebrandt, 2002) over its steps."""

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.steps import History, Step
from tests.simulation.world import Told


def shrink(history: History, still_fails: Callable[[History], bool]) -> tuple[History, tuple[int, ...]]:
    """Return a part of a failing history of which no step can be left out, and the numbers of its steps.

    The steps are left out in ever smaller pieces; each keeps its own choices, so that the others stay what they are.
    """
    kept = tuple(range(len(history.steps)))
    size = max(1, len(kept) // 2)
    while True:
        shorter = _without_a_piece(history, kept, size, still_fails)
        if len(shorter) == len(kept) and size == 1:
            return only(history, kept), kept
        size = min(size, max(1, len(shorter) // 2)) if len(shorter) < len(kept) else size // 2
        kept = shorter


def only(history: History, numbers: tuple[int, ...]) -> History:
    """Return the history of these steps only."""
    return replace(history, steps=tuple(history.steps[number] for number in numbers))


def _without_a_piece(
    history: History, kept: tuple[int, ...], size: int, still_fails: Callable[[History], bool]
) -> tuple[int, ...]:
    at = 0
    while at < len(kept):
        stays = tuple(number for number in kept[at : at + size] if _stays(history.steps[number]))
        shorter = kept[:at] + stays + kept[at + size :]
        if len(shorter) < len(kept) and still_fails(only(history, shorter)):
            kept = shorter
        else:
            at += size
    return kept


def _stays(step: Step) -> bool:
    return isinstance(step, Told) and step.stays
