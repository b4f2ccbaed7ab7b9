"""The customer collects."""

import pytest

from services.inventory.domain.issue import issue
from services.inventory.domain.state import HeldLine, Movement, Reservation, Stock
from shared.events.event import Event
from shared.events.fulfilment import FulfilmentCollected
from shared.events.inventory import StockIssued
from shared.kernel.decision import NOTHING, Deadline, Decision, NotYet
from tests.unit.inventory.world import (
    BOUGHT,
    GIVEN,
    MUG,
    PEN,
    collected,
    held,
    line_of_mugs,
    mugs,
    pens,
    pieces,
    please_count,
)

HOLD_ENDED = (Deadline("hold", "o-1", None),)


def issue_of(ordinal: int, line_id: str, sku: str, quantity: int) -> Movement:
    return Movement(
        movement_id=GIVEN.new_id(f"movement:{ordinal}"),
        location_id="izmir",
        sku=sku,
        change_quantity=-quantity,
        cause="collected",
        message_id="m-1",
        moved_at=BOUGHT,
        order_id="o-1",
        line_id=line_id,
    )


@pytest.mark.parametrize(
    ("line", "stock", "line_after", "stock_after", "news", "deadlines"),
    [
        (line_of_mugs(picked=2), mugs(on_hand=5, reserved=2), line_of_mugs(issued=2), mugs(on_hand=3), (), ()),
        (
            line_of_mugs(picked=3),
            mugs(on_hand=5, reserved=4),
            line_of_mugs(picked=1, issued=2),
            mugs(on_hand=3, reserved=2),
            (),
            (),
        ),
        # Handed over before we heard that it was ready.
        (
            line_of_mugs(reserved=2),
            mugs(on_hand=5, reserved=2),
            line_of_mugs(issued=2),
            mugs(on_hand=3),
            (),
            HOLD_ENDED,
        ),
        # The books had lost it.
        (
            line_of_mugs(picked=2),
            mugs(on_hand=1, reserved=2),
            line_of_mugs(issued=2),
            mugs(on_hand=-1),
            (please_count("sold_below_zero", 1),),
            (),
        ),
    ],
)
def test_two_pieces_leave(
    line: HeldLine,
    stock: Stock,
    line_after: HeldLine,
    stock_after: Stock,
    news: tuple[Event, ...],
    deadlines: tuple[Deadline, ...],
) -> None:
    answer = issue(collected(("1", "MUG", 2)), GIVEN, reservation=held(line), stock={MUG: stock})
    assert answer == Decision(
        rows=(issue_of(0, "1", "MUG", 2), held(line_after), stock_after),
        events=(StockIssued(order_id="o-1", lines=(pieces("1", "MUG", 2),)), *news),
        deadlines=deadlines,
    )


def test_each_line_has_its_movement() -> None:
    reservation = held(line_of_mugs("1", picked=1), HeldLine("2", "PEN", "izmir", picked=3))
    answer = issue(
        collected(("1", "MUG", 1), ("2", "PEN", 3)),
        GIVEN,
        reservation=reservation,
        stock={MUG: mugs(on_hand=1, reserved=1), PEN: pens(on_hand=3, reserved=3)},
    )
    assert answer == Decision(
        rows=(
            issue_of(0, "1", "MUG", 1),
            issue_of(1, "2", "PEN", 3),
            held(line_of_mugs("1", issued=1), HeldLine("2", "PEN", "izmir", issued=3)),
            mugs(),
            pens(),
        ),
        events=(StockIssued(order_id="o-1", lines=(pieces("1", "MUG", 1), pieces("2", "PEN", 3))),),
    )


@pytest.mark.parametrize(
    "told",
    [collected(("1", "MUG", 2)), collected(("1", "MUG", 1), ("1", "MUG", 1))],
    ids=["at once", "in two parts"],
)
def test_no_more_is_issued_than_is_kept_and_the_rest_is_told(told: FulfilmentCollected) -> None:
    answer = issue(
        told, GIVEN, reservation=held(line_of_mugs(picked=1, released=1)), stock={MUG: mugs(on_hand=4, reserved=2)}
    )
    assert answer == Decision(
        rows=(
            issue_of(0, "1", "MUG", 1),
            held(line_of_mugs(issued=1, released=1)),
            mugs(on_hand=3, reserved=1),
        ),
        events=(
            StockIssued(order_id="o-1", lines=(pieces("1", "MUG", 1),)),
            please_count("more_than_kept", 1),
        ),
    )


def test_a_handover_told_again_under_a_new_id_is_no_news() -> None:
    half, shelf = held(line_of_mugs(picked=2, issued=2)), {MUG: mugs(on_hand=4, reserved=2)}
    assert issue(collected(("1", "MUG", 2), so_far=2), GIVEN, reservation=half, stock=shelf) == NOTHING
    answer = issue(collected(("1", "MUG", 2), so_far=3), GIVEN, reservation=half, stock=shelf)
    assert isinstance(answer, Decision)
    assert answer.rows[1:] == (held(line_of_mugs(picked=1, issued=3)), mugs(on_hand=3, reserved=1))


@pytest.mark.parametrize("line", [line_of_mugs(issued=1), line_of_mugs(released=1), HeldLine("1", "MUG", "ankara", 1)])
def test_nothing_is_issued_that_is_kept_no_more_was_never_or_is_kept_elsewhere(line: HeldLine) -> None:
    answer = issue(collected(("1", "MUG", 1)), GIVEN, reservation=held(line), stock={MUG: mugs(on_hand=1)})
    assert answer == Decision(events=(please_count("more_than_kept", 1),))


def test_a_collection_of_an_order_not_heard_of_waits_for_it() -> None:
    assert issue(collected(("1", "MUG", 1)), GIVEN, reservation=None, stock={}) == NotYet(Reservation, "o-1")
