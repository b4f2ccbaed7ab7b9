"""The customer collects."""

import pytest

from services.inventory.domain.issue import issue
from services.inventory.domain.state import HeldLine, Movement, Reservation, Stock
from shared.events.event import Event
from shared.events.inventory import StockIssued
from shared.kernel.decision import Deadline, Decision, NotYet
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
    promise,
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
        # Released meanwhile, and gone all the same.
        (
            line_of_mugs(picked=1, released=1),
            mugs(on_hand=5, reserved=1),
            line_of_mugs(issued=2, released=1),
            mugs(on_hand=3),
            (promise("MUG", 3),),
            (),
        ),
        # Released meanwhile, and promised to somebody else.
        (
            line_of_mugs(released=2),
            mugs(on_hand=2, reserved=2),
            line_of_mugs(issued=2, released=2),
            mugs(on_hand=0, reserved=2),
            (please_count("sold_while_reserved", 2),),
            (),
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


def test_a_line_told_twice_at_once_frees_no_more_than_was_kept() -> None:
    answer = issue(
        collected(("1", "MUG", 1), ("1", "MUG", 1)),
        GIVEN,
        reservation=held(line_of_mugs(picked=1)),
        stock={MUG: mugs(on_hand=4, reserved=2)},
    )
    assert isinstance(answer, Decision)
    assert answer.rows[2:] == (held(line_of_mugs(issued=2)), mugs(on_hand=2, reserved=1))


def test_a_piece_of_a_line_that_nobody_reserved_left_all_the_same() -> None:
    answer = issue(collected(("1", "MUG", 1)), GIVEN, reservation=held(), stock={MUG: mugs(on_hand=1)})
    assert isinstance(answer, Decision)
    assert answer.rows[1:] == (held(line_of_mugs(issued=1)), mugs())
    assert answer.events[-1] == promise("MUG", 0)


def test_a_collection_of_an_order_not_heard_of_waits_for_it() -> None:
    assert issue(collected(("1", "MUG", 1)), GIVEN, reservation=None, stock={}) == NotYet(Reservation, "o-1")
