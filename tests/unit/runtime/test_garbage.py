"""A serving process's garbage collector."""

import gc
from collections.abc import Iterator

import pytest

from shared.runtime.garbage import YOUNG_MAX, look_seldom


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_a_batch_makes_is_not_looked_at_in_its_midst() -> None:
    looks: list[str] = []
    gc.callbacks.append(lambda phase, _: looks.append(phase))
    try:
        look_seldom()
        looks.clear()
        batch = [[number] for number in range(YOUNG_MAX // 2)]
    finally:
        gc.callbacks.pop()
    assert (len(batch), looks) == (YOUNG_MAX // 2, [])


def test_a_circle_that_is_lost_is_found_in_the_end() -> None:
    class Lost:
        """Refers to itself."""

    look_seldom()
    before = gc.get_stats()[0]["collected"]
    for _ in range(YOUNG_MAX * 2):
        lost = Lost()
        lost.itself = lost  # type: ignore[attr-defined]
    assert gc.get_stats()[0]["collected"] > before
