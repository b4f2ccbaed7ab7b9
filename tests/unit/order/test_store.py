"""The tables: an order is read back as it was written, and what a query needs is beside it."""

import pytest

from services.order import store
from services.order.domain.refusals import StockUnavailable
from services.order.domain.state import Order, Rejection
from shared.engine.rows import Codec
from tests.unit.order.orders import line, order

ORDERS = {
    "open": order(line("a", pending=1, reserved=2), line("b", ready=3, collected=1), customer_id="customer-7"),
    "ended": order(line("a", collected=1, cancelled=2), associate_id="ayse"),
    "rejected": order(
        line("a", cancelled=1, at=""), refunded_minor=2400, rejections=(Rejection.of(StockUnavailable, "a"),)
    ),
}


@pytest.mark.parametrize("kept", ORDERS.values(), ids=ORDERS)
def test_an_order_is_read_back_as_it_was_written(kept: Order) -> None:
    codec = Codec(store.ORDERS)
    record = dict(zip(codec.columns, codec.to_row(kept), strict=True))
    assert codec.to_value(record) == kept


def test_the_columns_that_people_query_are_derived() -> None:
    codec = Codec(store.ORDERS)
    record = dict(zip(codec.columns, codec.to_row(ORDERS["ended"]), strict=True))
    assert (record["status"], record["ordered_quantity"], record["open_quantity"]) == ("completed", 3, 0)
    assert (record["collected_quantity"], record["cancelled_quantity"]) == (1, 2)
    assert (record["due_minor"], record["paid_minor"], record["refunded_minor"]) == (2400, 2400, 1601)
