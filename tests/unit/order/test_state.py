"""The order itself: its status in a word, and what can never be."""

import pytest

from services.order.domain.refusals import StockUnavailable
from services.order.domain.state import Buckets, Line, Order, Payment, Rejection, Status
from shared.kernel.value import replace
from tests.unit.order.orders import line, order

STATUS: dict[str, tuple[Order, Status]] = {
    "asked of inventory": (order(line("a", pending=2)), "placed"),
    "asked of inventory, partly cancelled": (order(line("a", pending=1, cancelled=1)), "placed"),
    "one line reserved": (order(line("a", reserved=1), line("b", pending=1)), "confirmed"),
    "all reserved": (order(line("a", reserved=2)), "confirmed"),
    "one store ready": (order(line("a", ready=1), line("b", reserved=1)), "confirmed"),
    "all stores ready": (order(line("a", ready=1), line("b", cancelled=1)), "ready"),
    "some collected, the rest ready": (order(line("a", ready=1, collected=1)), "partly_collected"),
    "some collected, the rest reserved": (order(line("a", collected=1), line("b", reserved=1)), "partly_collected"),
    "all collected": (order(line("a", collected=2)), "completed"),
    "collected or cancelled": (order(line("a", collected=1, cancelled=1)), "completed"),
    "all cancelled": (order(line("a", cancelled=2)), "cancelled"),
    "not taken on": (
        order(line("a", cancelled=2), refunded_minor=2400, rejections=(Rejection.of(StockUnavailable),)),
        "rejected",
    ),
}


@pytest.mark.parametrize(("known", "status"), STATUS.values(), ids=STATUS)
def test_the_status_follows_from_the_pieces(known: Order, status: Status) -> None:
    assert known.status == status


def test_quantities_and_amounts_are_sums_over_the_lines() -> None:
    known = order(line("a", pending=1, reserved=2, ready=3), line("b", collected=4, cancelled=5, net=900, tax=90))
    assert (known.ordered_quantity, known.open_quantity) == (15, 6)
    assert (known.collected_quantity, known.cancelled_quantity) == (4, 5)
    assert (known.due_minor, known.paid_minor, known.owed_back_minor) == (3390, 3390, 550)


def test_pieces_are_never_lost_made_up_or_negative() -> None:
    with pytest.raises(AssertionError):
        Line("a", "sku-a", 3, 100, 0, "pickup", "moda", Buckets(pending=2))
    with pytest.raises(AssertionError):
        Line("a", "sku-a", 0, 100, 0, "pickup", "moda", Buckets())
    with pytest.raises(AssertionError):
        Buckets(pending=-1, reserved=1)


IMPOSSIBLE: dict[str, dict[str, object]] = {
    "taken on, and not paid": {"payments": (Payment("card", 2399),)},
    "taken on, and paid twice": {"payments": (Payment("card", 4800),)},
    "two lines of one id": {"lines": (line("a", net=0, pending=1), line("a", tax=0, net=2000, pending=1))},
    "rejected, and still open": {"rejections": (Rejection.of(StockUnavailable),)},
}


@pytest.mark.parametrize("changes", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_order_that_cannot_be_is_a_bug(changes: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        replace(order(line("a", pending=1)), **changes)
