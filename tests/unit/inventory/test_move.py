"""Deliveries, counts, adjustments and safety stock."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from services.inventory.domain.move import ON_HAND_MAX, adjust, count, keep_back, receive
from services.inventory.domain.state import Movement, Stock
from shared.events.event import Event
from shared.events.inventory import StockMoved
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.reference import SafetyStockSet
from shared.kernel.decision import NOTHING, Answer, Decision, Invalid
from shared.kernel.value import replace
from tests.unit.inventory.world import BOUGHT, GIVEN, mugs, please_count, promise

Cause = Literal["received", "counted", "adjusted"]


def received(quantity: int, stock: Stock | None) -> Answer:
    return receive(StockReceived(location_id="izmir", sku="MUG", quantity=quantity), GIVEN, stock=stock)


def counted(quantity: int, stock: Stock | None) -> Answer:
    return count(StockCounted(location_id="izmir", sku="MUG", counted_quantity=quantity), GIVEN, stock=stock)


def adjusted(change: int, stock: Stock | None) -> Answer:
    return adjust(
        StockAdjusted(location_id="izmir", sku="MUG", change_quantity=change, reason="damage"), GIVEN, stock=stock
    )


def kept_back(quantity: int, stock: Stock | None) -> Answer:
    return keep_back(SafetyStockSet(location_id="izmir", sku="MUG", quantity=quantity), GIVEN, stock=stock)


def moved(change: int, after: Stock, cause: Cause, *news: Event) -> Decision:
    return Decision(
        rows=(
            Movement(GIVEN.new_id("movement:0"), "izmir", "MUG", change, cause, message_id="m-1", moved_at=BOUGHT),
            after,
        ),
        events=(
            StockMoved(
                location_id="izmir",
                sku="MUG",
                change_quantity=change,
                cause=cause,
                on_hand_quantity=after.on_hand,
                moved_at=BOUGHT,
            ),
            *news,
        ),
    )


@pytest.mark.parametrize(
    ("quantity", "before", "expected"),
    [
        (3, None, moved(3, mugs(on_hand=3), "received", promise("MUG", 3))),
        (3, mugs(on_hand=2, reserved=1), moved(3, mugs(on_hand=5, reserved=1), "received", promise("MUG", 4))),
        (3, mugs(on_hand=-5), moved(3, mugs(on_hand=-2), "received")),
        (3, mugs(safety=3), moved(3, mugs(on_hand=3, safety=3), "received")),
        (1, mugs(on_hand=1, blocked=1), moved(1, mugs(on_hand=2, blocked=1), "received", promise("MUG", 1))),
    ],
)
def test_a_delivery_adds(quantity: int, before: Stock | None, expected: Decision) -> None:
    assert received(quantity, before) == expected


@pytest.mark.parametrize(
    ("quantity", "before", "expected"),
    [
        (
            4,
            None,
            moved(4, mugs(on_hand=4), "counted", please_count("count_differs", 4, order_id=None), promise("MUG", 4)),
        ),
        (
            4,
            mugs(on_hand=6, reserved=1),
            moved(
                -2,
                mugs(on_hand=4, reserved=1),
                "counted",
                please_count("count_differs", 2, order_id=None),
                promise("MUG", 3),
            ),
        ),
        # The missing pieces were not on the shelf indeed: what may be promised is as it was.
        (
            4,
            mugs(on_hand=6, blocked=2),
            moved(-2, mugs(on_hand=4), "counted", please_count("count_differs", 2, order_id=None)),
        ),
        # The missing pieces turned up.
        (6, mugs(on_hand=6, blocked=2), Decision(rows=(mugs(on_hand=6),), events=(promise("MUG", 6),))),
        (6, mugs(on_hand=6, reserved=1, safety=2), NOTHING),
        # The first word on a sku at a place is news, even that there is none.
        (0, None, Decision(rows=(mugs(),), events=(promise("MUG", 0),))),
        (
            0,
            mugs(on_hand=-3, reserved=1),
            moved(3, mugs(reserved=1), "counted", please_count("count_differs", 3, order_id=None)),
        ),
    ],
)
def test_a_count_is_the_truth(quantity: int, before: Stock | None, expected: Decision) -> None:
    assert counted(quantity, before) == expected


@pytest.mark.parametrize(
    ("change", "before", "expected"),
    [
        (0, None, NOTHING),
        (0, mugs(on_hand=3, blocked=1), NOTHING),
        (2, None, moved(2, mugs(on_hand=2), "adjusted", promise("MUG", 2))),
        (-2, mugs(on_hand=3), moved(-2, mugs(on_hand=1), "adjusted", promise("MUG", 1))),
        # An adjustment says nothing of pieces that a picker missed.
        (-1, mugs(on_hand=3, blocked=1), moved(-1, mugs(on_hand=2, blocked=1), "adjusted", promise("MUG", 1))),
        (
            -2,
            mugs(on_hand=1),
            moved(
                -2,
                mugs(on_hand=-1),
                "adjusted",
                please_count("adjusted_below_zero", 1, order_id=None),
                promise("MUG", 0),
            ),
        ),
        (
            -2,
            mugs(on_hand=3, reserved=2),
            moved(
                -2,
                mugs(on_hand=1, reserved=2),
                "adjusted",
                please_count("adjusted_while_reserved", 1, order_id=None),
                promise("MUG", 0),
            ),
        ),
    ],
)
def test_an_adjustment_adds_or_takes(change: int, before: Stock | None, expected: Decision) -> None:
    assert adjusted(change, before) == expected


@pytest.mark.parametrize(
    ("quantity", "before", "expected"),
    [
        (2, None, Decision(rows=(mugs(safety=2),), events=(promise("MUG", 0),))),
        (2, mugs(on_hand=5), Decision(rows=(mugs(on_hand=5, safety=2),), events=(promise("MUG", 3),))),
        (0, mugs(on_hand=5, safety=2), Decision(rows=(mugs(on_hand=5),), events=(promise("MUG", 5),))),
        (2, mugs(on_hand=5, safety=2), NOTHING),
        # What is promised stays promised.
        (
            9,
            mugs(on_hand=5, reserved=5),
            Decision(rows=(mugs(on_hand=5, reserved=5, safety=9),)),
        ),
    ],
)
def test_safety_stock_is_kept_back(quantity: int, before: Stock | None, expected: Decision) -> None:
    assert kept_back(quantity, before) == expected


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        (received(1, mugs(on_hand=ON_HAND_MAX)), 500_000_001),
        (counted(ON_HAND_MAX + 1, None), 500_000_001),
        (adjusted(-ON_HAND_MAX - 1, None), -500_000_001),
    ],
)
def test_more_than_anybody_could_have_is_set_aside(answer: Answer, pieces: int) -> None:
    assert answer == Invalid("beyond-any-stock", f"it would make {pieces} pieces; at most 500000000 are believed")


@pytest.mark.parametrize(
    "answer", [received(1, mugs(on_hand=ON_HAND_MAX - 1)), counted(ON_HAND_MAX, None), adjusted(-ON_HAND_MAX, None)]
)
def test_the_most_that_is_believed_can_be_told(answer: Answer) -> None:
    assert isinstance(answer, Decision)
    assert answer.events[0].TYPE == "stock.moved"


def test_what_is_beyond_may_come_back_and_go_no_further() -> None:
    sold_too_often = mugs(on_hand=-2 * ON_HAND_MAX)
    assert isinstance(received(1, sold_too_often), Decision)
    assert isinstance(counted(0, sold_too_often), Decision)
    assert isinstance(adjusted(-1, sold_too_often), Invalid)


def test_a_delivery_at_a_time_that_cannot_be_counts_when_we_hear_of_it() -> None:
    told = StockReceived(location_id="izmir", sku="MUG", quantity=1)
    given = replace(GIVEN, occurred_at=datetime(1970, 1, 1, tzinfo=UTC))
    answer = receive(told, given, stock=None)
    assert isinstance(answer, Decision)
    movement, event = answer.rows[0], answer.events[0]
    assert isinstance(movement, Movement)
    assert isinstance(event, StockMoved)
    assert (movement.moved_at, event.moved_at) == (GIVEN.now, GIVEN.now)
