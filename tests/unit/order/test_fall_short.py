"""Answering that stock is short: the whole order goes, or only its short lines."""

import pytest

from services.order.domain import causes, refusals
from services.order.domain.fall_short import fall_short
from services.order.domain.state import Buckets, Order
from shared.events.inventory import ShortLine, StockUnavailable
from shared.events.order import OrderRejected
from shared.kernel.decision import NOTHING, Decision, NotYet
from tests.unit.order.orders import GIVEN, cancelled, line, order, pieces, refund, the_order, why


def unavailable(*line_ids: str) -> StockUnavailable:
    lines = tuple(
        ShortLine(line_id=line_id, sku=f"sku-{line_id}", location_id="moda", requested_quantity=2, available_quantity=1)
        for line_id in line_ids
    )
    return StockUnavailable(order_id="order-1", lines=lines)


def rejected(*line_ids: str) -> OrderRejected:
    reasons = tuple(why(refusals.StockUnavailable, line_id) for line_id in line_ids)
    return OrderRejected(order_id="order-1", reasons=reasons, refund="requested")


def test_one_short_line_rejects_an_order_that_is_to_be_had_whole() -> None:
    decision = fall_short(unavailable("a"), GIVEN, order=order(line("a", pending=2), line("b", pending=1)))
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=(rejected("a"), refund(4800, causes.OrderRejected)))
    assert pieces(row) == {"a": Buckets(cancelled=2), "b": Buckets(cancelled=1)}
    assert (row.status, row.refunded_minor) == ("rejected", 4800)


def test_a_rejected_order_gives_back_only_what_was_not_given_back_before() -> None:
    meanwhile = order(line("a", pending=1, cancelled=1), line("b", pending=1))
    decision = fall_short(unavailable("a", "b"), GIVEN, order=meanwhile)
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=(rejected("a", "b"), refund(3600, causes.OrderRejected)))
    assert row.refunded_minor == 4800


def test_an_order_to_be_had_whole_goes_even_when_its_short_line_was_cancelled_meanwhile() -> None:
    meanwhile = order(line("a", cancelled=2), line("b", pending=1))
    decision = fall_short(unavailable("a"), GIVEN, order=meanwhile)
    assert isinstance(decision, Decision)
    assert decision.events == (rejected("a"), refund(2400, causes.OrderRejected))


def test_only_the_short_lines_are_cancelled_when_the_customer_takes_the_rest() -> None:
    placed = order(
        line("a", pending=2), line("b", pending=1), line("c", pending=3, net=100, tax=0), when_short="reject_line"
    )
    decision = fall_short(unavailable("a", "c"), GIVEN, order=placed)
    row = the_order(decision)
    assert decision == Decision(
        rows=(row,),
        events=(
            cancelled("a", 2, refusals.StockUnavailable),
            cancelled("c", 3, refusals.StockUnavailable),
            refund(2500, refusals.StockUnavailable),
        ),
    )
    assert pieces(row) == {"a": Buckets(cancelled=2), "b": Buckets(pending=1), "c": Buckets(cancelled=3)}
    assert row.status == "placed"


def test_short_lines_that_were_all_there_is_reject_the_order() -> None:
    placed = order(line("a", pending=2), line("b", pending=1), when_short="reject_line")
    decision = fall_short(unavailable("a", "b"), GIVEN, order=placed)
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=(rejected("a", "b"), refund(4800, causes.OrderRejected)))
    assert row.status == "rejected"


NOTHING_TO_LOSE = {
    "cancelled meanwhile": order(line("a", cancelled=2)),
    "confirmed": order(line("a", reserved=2)),
    "only the other line is still pending": order(
        line("a", cancelled=2), line("b", pending=1), when_short="reject_line"
    ),
}


@pytest.mark.parametrize("known", NOTHING_TO_LOSE.values(), ids=NOTHING_TO_LOSE)
def test_what_is_not_pending_cannot_fall_short(known: Order) -> None:
    assert fall_short(unavailable("a"), GIVEN, order=known) == NOTHING


def test_it_waits_for_its_order() -> None:
    assert fall_short(unavailable("a"), GIVEN, order=None) == NotYet(Order, "order-1")
