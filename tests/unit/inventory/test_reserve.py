"""An order is placed."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from services.inventory.domain.reserve import reserve
from services.inventory.domain.state import HeldLine, Movement, Reservation, Stock, StockKey
from shared.events.inventory import StockIssued, StockReserved, StockUnavailable
from shared.events.order import OrderPlaced
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, Invalid
from tests.unit.inventory.world import (
    BOUGHT,
    GIVEN,
    HOLD_TTL,
    MUG,
    PEN,
    UNTIL,
    decided,
    held,
    lacking,
    line_of_mugs,
    mugs,
    pens,
    pieces,
    placed,
    please_count,
    promise,
    wanted,
)

HELD_UNTIL = (Deadline("hold", "o-1", UNTIL),)


def on_placed(
    order: OrderPlaced, stock: Mapping[StockKey, Stock], *, reservation: Reservation | None = None
) -> Decision:
    return decided(reserve(order, GIVEN, reservation=reservation, stock=stock, hold_ttl=HOLD_TTL))


def issue_of(ordinal: int, line_id: str, sku: str, quantity: int) -> Movement:
    return Movement(
        movement_id=GIVEN.new_id(f"movement:{ordinal}"),
        location_id="izmir",
        sku=sku,
        change_quantity=-quantity,
        cause="carried_out",
        message_id="m-1",
        moved_at=BOUGHT,
        order_id="o-1",
        line_id=line_id,
    )


def test_enough_is_reserved_until_the_hold_ends() -> None:
    order = placed(wanted("1", "MUG", 2), wanted("2", "PEN", 1))
    assert on_placed(order, {MUG: mugs(on_hand=5), PEN: pens(on_hand=1)}) == Decision(
        rows=(
            held(line_of_mugs("1", reserved=2), HeldLine("2", "PEN", "izmir", reserved=1)),
            mugs(on_hand=5, reserved=2),
            pens(on_hand=1, reserved=1),
        ),
        events=(
            StockReserved(order_id="o-1", lines=(pieces("1", "MUG", 2), pieces("2", "PEN", 1)), hold_until=UNTIL),
            promise("MUG", 3),
            promise("PEN", 0),
        ),
        deadlines=HELD_UNTIL,
    )


def test_the_hold_is_counted_from_the_clock_of_the_service() -> None:
    answer = reserve(
        placed(wanted("1", "MUG", 1)),
        GIVEN,
        reservation=None,
        stock={MUG: mugs(on_hand=1)},
        hold_ttl=timedelta(minutes=30),
    )
    assert decided(answer).deadlines == (Deadline("hold", "o-1", GIVEN.now + timedelta(minutes=30)),)


def test_an_order_that_was_decided_about_changes_nothing() -> None:
    assert on_placed(placed(wanted("1", "MUG", 2)), {MUG: mugs(on_hand=5)}, reservation=held()) is NOTHING


def test_an_order_without_lines_or_with_a_line_twice_is_set_aside() -> None:
    def answer(order: OrderPlaced) -> Answer:
        return reserve(order, GIVEN, reservation=None, stock={}, hold_ttl=HOLD_TTL)

    assert answer(placed()) == Invalid("lines-contradict", "order o-1 has no lines")
    twice = placed(wanted("1", "MUG", 2), wanted("1", "PEN", 2))
    assert answer(twice) == Invalid("lines-contradict", "order o-1 has line 1 twice")


def test_one_short_line_leaves_the_whole_order_unreserved() -> None:
    order = placed(wanted("1", "PEN", 1), wanted("2", "MUG", 3), wanted("3", "CUP", 1))
    assert on_placed(order, {PEN: pens(on_hand=5), MUG: mugs(on_hand=4, reserved=1, blocked=1)}) == Decision(
        rows=(held(),),
        events=(
            StockUnavailable(
                order_id="o-1",
                lines=(
                    lacking("2", "MUG", requested=3, available=2),
                    lacking("3", "CUP", requested=1, available=0),
                ),
            ),
        ),
    )


def test_short_lines_go_and_the_rest_is_reserved_where_the_order_wants_it_so() -> None:
    order = placed(wanted("1", "PEN", 6), wanted("2", "MUG", 3), when_short="reject_line")
    assert on_placed(order, {PEN: pens(on_hand=5), MUG: mugs(on_hand=3)}) == Decision(
        rows=(held(line_of_mugs("2", reserved=3)), mugs(on_hand=3, reserved=3)),
        events=(
            StockUnavailable(order_id="o-1", lines=(lacking("1", "PEN", requested=6, available=5),)),
            StockReserved(order_id="o-1", lines=(pieces("2", "MUG", 3),), hold_until=UNTIL),
            promise("MUG", 0),
        ),
        deadlines=HELD_UNTIL,
    )


def test_an_order_of_short_lines_only_is_remembered_without_lines() -> None:
    assert on_placed(placed(wanted("1", "MUG", 1), when_short="reject_line"), {}) == Decision(
        rows=(held(),),
        events=(StockUnavailable(order_id="o-1", lines=(lacking("1", "MUG", requested=1, available=0),)),),
    )


def test_safety_stock_is_not_promised() -> None:
    order = placed(wanted("1", "MUG", 1))
    assert on_placed(order, {MUG: mugs(on_hand=3, safety=3)}).events == (
        StockUnavailable(order_id="o-1", lines=(lacking("1", "MUG", requested=1, available=0),)),
    )


@pytest.mark.parametrize(
    ("first", "second", "third", "kept", "lacks"),
    [
        (2, 2, 1, ["1", "2", "3"], []),
        (3, 2, 1, ["1", "2"], [lacking("3", "MUG", requested=1, available=0)]),
        (4, 2, 1, ["1", "3"], [lacking("2", "MUG", requested=2, available=1)]),
        (
            6,
            6,
            6,
            [],
            [
                lacking("1", "MUG", requested=6, available=5),
                lacking("2", "MUG", requested=6, available=5),
                lacking("3", "MUG", requested=6, available=5),
            ],
        ),
    ],
)
def test_lines_of_one_sku_see_what_earlier_lines_took(
    first: int, second: int, third: int, kept: list[str], lacks: list[object]
) -> None:
    lines = [wanted("1", "MUG", first), wanted("2", "MUG", second), wanted("3", "MUG", third)]
    decision = on_placed(placed(*lines, when_short="reject_line"), {MUG: mugs(on_hand=5)})
    reserved = [line.line_id for event in decision.events if isinstance(event, StockReserved) for line in event.lines]
    unavailable = [line for event in decision.events if isinstance(event, StockUnavailable) for line in event.lines]
    assert (reserved, unavailable) == (kept, lacks)


def test_the_same_sku_elsewhere_is_other_stock() -> None:
    order = placed(wanted("1", "MUG", 1, at="ankara"))
    assert on_placed(order, {MUG: mugs(on_hand=9)}).rows == (held(),)


def test_what_was_carried_out_is_issued_at_once() -> None:
    order = placed(wanted("1", "MUG", 2, method="carry_out"), wanted("2", "MUG", 1, method="carry_out"))
    assert on_placed(order, {MUG: mugs(on_hand=5, safety=1)}) == Decision(
        rows=(
            issue_of(0, "1", "MUG", 2),
            issue_of(1, "2", "MUG", 1),
            held(line_of_mugs("1", issued=2), line_of_mugs("2", issued=1)),
            mugs(on_hand=2, safety=1),
        ),
        events=(
            StockIssued(order_id="o-1", lines=(pieces("1", "MUG", 2), pieces("2", "MUG", 1))),
            promise("MUG", 1),
        ),
    )


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (mugs(on_hand=2), mugs(), []),
        (mugs(on_hand=1), mugs(on_hand=-1), [please_count("sold_below_zero", 1)]),
        (mugs(on_hand=-3), mugs(on_hand=-5), [please_count("sold_below_zero", 2)]),
        (mugs(on_hand=3, reserved=2), mugs(on_hand=1, reserved=2), [please_count("sold_while_reserved", 1)]),
        (mugs(on_hand=3, blocked=2), mugs(on_hand=1, blocked=2), [please_count("sold_while_reserved", 1)]),
        (mugs(on_hand=2, reserved=4), mugs(reserved=4), [please_count("sold_while_reserved", 2)]),
        (
            mugs(on_hand=1, reserved=1),
            mugs(on_hand=-1, reserved=1),
            [please_count("sold_below_zero", 1), please_count("sold_while_reserved", 1)],
        ),
        (mugs(on_hand=0, reserved=1), mugs(on_hand=-2, reserved=1), [please_count("sold_below_zero", 2)]),
        (mugs(on_hand=3, safety=3), mugs(on_hand=1, safety=3), []),
    ],
)
def test_a_sale_of_two_asks_for_a_count_where_the_books_did_not_have_it(
    before: Stock, after: Stock, found: list[object]
) -> None:
    decision = on_placed(placed(wanted("1", "MUG", 2, method="carry_out")), {MUG: before})
    asked = [event for event in decision.events if event.TYPE == "stock.discrepancy_found"]
    assert (decision.rows[-1], asked) == (after, found)


def test_counts_and_promises_are_told_in_the_order_of_the_skus() -> None:
    order = placed(wanted("1", "PEN", 1, method="carry_out"), wanted("2", "MUG", 1, method="carry_out"))
    assert [event.key for event in on_placed(order, {}).events[1:]] == ["izmir|MUG", "izmir|PEN"] * 2


def test_a_sale_of_what_nobody_ever_received_is_news() -> None:
    decision = on_placed(placed(wanted("1", "MUG", 1, method="carry_out")), {})
    assert decision.rows[-1] == mugs(on_hand=-1)
    assert decision.events[-1] == promise("MUG", 0)


def test_what_was_carried_out_goes_before_what_is_reserved() -> None:
    order = placed(
        wanted("1", "MUG", 2),
        wanted("2", "MUG", 4, method="carry_out"),
        wanted("3", "PEN", 1),
        when_short="reject_line",
    )
    assert on_placed(order, {MUG: mugs(on_hand=5), PEN: pens(on_hand=1)}) == Decision(
        rows=(
            issue_of(0, "2", "MUG", 4),
            held(line_of_mugs("2", issued=4), HeldLine("3", "PEN", "izmir", reserved=1)),
            mugs(on_hand=1),
            pens(on_hand=1, reserved=1),
        ),
        events=(
            StockIssued(order_id="o-1", lines=(pieces("2", "MUG", 4),)),
            StockUnavailable(order_id="o-1", lines=(lacking("1", "MUG", requested=2, available=1),)),
            StockReserved(order_id="o-1", lines=(pieces("3", "PEN", 1),), hold_until=UNTIL),
            promise("MUG", 1),
            promise("PEN", 0),
        ),
        deadlines=HELD_UNTIL,
    )


def test_a_promise_that_did_not_change_is_no_news() -> None:
    order = placed(wanted("1", "MUG", 1, method="carry_out"))
    assert [event.TYPE for event in on_placed(order, {MUG: mugs(on_hand=4, safety=4)}).events] == ["stock.issued"]
