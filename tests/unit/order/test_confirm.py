"""Confirming what inventory reserved."""

from datetime import timedelta

import pytest

from services.order.domain.confirm import confirm
from services.order.domain.state import Buckets, Order
from shared.events.inventory import StockLine, StockReserved
from shared.events.order import ConfirmedLine, OrderConfirmed
from shared.kernel.decision import NOTHING, Decision, NotYet
from tests.unit.order.orders import BOUGHT_AT, GIVEN, line, order, pieces, the_order


def reserved(**quantities: int) -> StockReserved:
    lines = tuple(
        StockLine(line_id=line_id, sku=f"sku-{line_id}", location_id="moda", quantity=quantity)
        for line_id, quantity in quantities.items()
    )
    return StockReserved(order_id="order-1", lines=lines, hold_until=BOUGHT_AT + timedelta(hours=2))


def confirmed(line_id: str, quantity: int) -> ConfirmedLine:
    return ConfirmedLine(line_id=line_id, sku=f"sku-{line_id}", quantity=quantity, location_id="moda")


def test_all_reserved_pieces_are_confirmed() -> None:
    decision = confirm(reserved(a=2, b=1), GIVEN, order=order(line("a", pending=2), line("b", pending=1)))
    row = the_order(decision)
    event = OrderConfirmed(order_id="order-1", lines=(confirmed("a", 2), confirmed("b", 1)))
    assert decision == Decision(rows=(row,), events=(event,))
    assert pieces(row) == {"a": Buckets(reserved=2), "b": Buckets(reserved=1)}
    assert row.status == "confirmed"


def test_what_the_customer_cancelled_meanwhile_is_not_confirmed() -> None:
    meanwhile = order(line("a", pending=1, cancelled=1), line("b", cancelled=1))
    decision = confirm(reserved(a=2, b=1), GIVEN, order=meanwhile)
    row = the_order(decision)
    event = OrderConfirmed(order_id="order-1", lines=(confirmed("a", 1),))
    assert decision == Decision(rows=(row,), events=(event,))
    assert pieces(row) == {"a": Buckets(reserved=1, cancelled=1), "b": Buckets(cancelled=1)}


def test_a_line_in_two_parts_is_confirmed_once() -> None:
    told = reserved(a=1)
    twice = told.model_copy(update={"lines": told.lines * 2})
    decision = confirm(twice, GIVEN, order=order(line("a", pending=2)))
    assert isinstance(decision, Decision)
    assert decision.events == (OrderConfirmed(order_id="order-1", lines=(confirmed("a", 2),)),)


NOTHING_PENDING = {
    "confirmed before": order(line("a", reserved=2)),
    "ready": order(line("a", ready=2)),
    "collected": order(line("a", collected=2)),
    "cancelled": order(line("a", cancelled=2)),
    "a line that nobody ordered": order(line("other", pending=2)),
}


@pytest.mark.parametrize("known", NOTHING_PENDING.values(), ids=NOTHING_PENDING)
def test_nothing_is_confirmed_where_nothing_is_pending(known: Order) -> None:
    assert confirm(reserved(a=2), GIVEN, order=known) == NOTHING


def test_it_waits_for_its_order() -> None:
    assert confirm(reserved(a=2), GIVEN, order=None) == NotYet(Order, "order-1")
