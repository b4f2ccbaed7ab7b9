"""Illegal states cannot be built, and each change moves pieces between the right buckets."""

import pytest

from services.inventory.domain.state import HeldLine, Movement, Stock
from tests.unit.inventory.world import BOUGHT, line_of_mugs, mugs


@pytest.mark.parametrize(
    ("stock", "available", "below_zero", "oversold"),
    [
        (mugs(), 0, 0, 0),
        (mugs(on_hand=5), 5, 0, 0),
        (mugs(on_hand=10, reserved=2, blocked=3, safety=4), 1, 0, 0),
        (mugs(on_hand=9, reserved=2, blocked=3, safety=4), 0, 0, 0),
        (mugs(on_hand=5, reserved=2, blocked=3, safety=4), 0, 0, 0),
        (mugs(on_hand=4, reserved=2, blocked=3), 0, 0, 1),
        (mugs(on_hand=-2, reserved=3), 0, 2, 5),
        (mugs(on_hand=-1), 0, 1, 1),
    ],
)
def test_what_may_be_promised(stock: Stock, available: int, below_zero: int, oversold: int) -> None:
    assert (stock.available_to_promise, stock.below_zero, stock.oversold) == (available, below_zero, oversold)


@pytest.mark.parametrize("bucket", ["reserved", "blocked", "safety"])
def test_stock_has_no_negative_bucket(bucket: str) -> None:
    with pytest.raises(AssertionError):
        Stock("izmir", "MUG", **{bucket: -1})


@pytest.mark.parametrize("bucket", ["reserved", "picked", "issued", "released", "short"])
def test_a_held_line_has_no_negative_bucket(bucket: str) -> None:
    with pytest.raises(AssertionError):
        HeldLine("1", "MUG", "izmir", **{bucket: -1})


def test_nothing_is_promised_that_is_not_there() -> None:
    assert mugs(on_hand=2).keep(2) == mugs(on_hand=2, reserved=2)
    with pytest.raises(AssertionError):
        mugs(on_hand=2).keep(3)


def test_a_movement_moves_something() -> None:
    with pytest.raises(AssertionError):
        Movement("id", "izmir", "MUG", 0, "counted", "m-1", BOUGHT)


FIVE = line_of_mugs(reserved=2, picked=3)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (FIVE.pick(1), line_of_mugs(reserved=1, picked=4)),
        (FIVE.pick(9), line_of_mugs(picked=5)),
        (FIVE.miss(1), line_of_mugs(reserved=1, picked=3, short=1)),
        (FIVE.miss(2), line_of_mugs(picked=3, short=2)),
        (FIVE.issue(2), line_of_mugs(reserved=2, picked=1, issued=2)),
        (FIVE.issue(4), line_of_mugs(reserved=1, issued=4)),
        (FIVE.issue(6), line_of_mugs(issued=6)),
        (FIVE.release(1), line_of_mugs(reserved=1, picked=3, released=1)),
        (FIVE.release(3), line_of_mugs(picked=2, released=3)),
        (FIVE.release(9), line_of_mugs(released=5)),
        (line_of_mugs(reserved=1).keep(2), line_of_mugs(reserved=3)),
    ],
)
def test_pieces_change_buckets(after: HeldLine, expected: HeldLine) -> None:
    assert after == expected


def test_pieces_add_up_over_changes() -> None:
    line = line_of_mugs(issued=1, released=1, short=1, reserved=3, picked=3)
    assert line.issue(4).release(1).miss(1) == line_of_mugs(issued=5, released=2, short=2)
    assert line.held == 6
