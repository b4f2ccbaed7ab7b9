"""A serving process's garbage collector."""

import gc
from collections.abc import Iterator, Sequence

import pytest

from services.order.service import order
from shared.engine.engine import Engine
from shared.engine.member import Member
from shared.engine.message import Raw
from shared.engine.store import Effects
from shared.runtime.garbage import YOUNG_MAX, look_seldom

BATCHES = 20


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


class Idle(Engine):
    """Has nothing to decide."""

    def __init__(self) -> None:
        """Need nothing."""

    async def process(self, records: Sequence[Raw]) -> list[Effects]:
        """Do nothing."""
        return []


async def test_batches_leave_it_nothing_to_find() -> None:
    member = Member(order(), database="postgresql://nobody@nowhere", bootstrap="127.0.0.1:1")
    member.engine = Idle()
    gc.collect()
    gc.disable()
    try:
        for offset in range(BATCHES):
            await member._take([Raw("tekil.channel.v1", 0, offset, 0, b"", b"", ())])
        assert gc.collect() < BATCHES
    finally:
        gc.enable()
