"""The replay's own account of what it hears."""

import json

import pytest

from services.replay.habits import Chance, Habits
from services.replay.ledger import Fate, Ledger
from services.replay.purchase import World, purchase
from tests.unit.replay.baskets import BOUGHT_AT, basket, bought

ORDER = "cj-1-31198570044"
NO_VALUE = b"{}"


@pytest.fixture
def ledger() -> Ledger:
    """An order on the web: two pieces of milk, two of bread, and a line of nothing."""
    visit = basket(bought(1), bought(2), bought(3, quantity=0))
    ledger = Ledger()
    ledger.read(visit)
    ledger.sent(purchase(visit, World(Chance(1), Habits(orders_on_web=10_000))))
    return ledger


def cancelled(line_id: str, quantity: int, reason: str = "short-pick") -> bytes:
    return json.dumps({"line_id": line_id, "quantity": quantity, "reason": {"slug": reason}}).encode()


NOTHING = {Fate("none", "not_sent", "quantity-zero"): 1}


def test_what_nobody_answered_waits(ledger: Ledger) -> None:
    waiting = Fate("web", "waiting", "not-answered")
    assert ledger.order_fates() == {waiting: 1}
    assert ledger.line_fates() == {waiting: 2, **NOTHING}
    assert (ledger.settled, ledger.orders_sent, ledger.baskets_read) == (0, 1, 1)
    assert ledger.bought_at(ORDER) == BOUGHT_AT


@pytest.mark.parametrize(
    ("heard", "waits_for"),
    [
        (["order.placed"], "not-reserved"),
        (["order.placed", "order.confirmed"], "not-picked"),
        (["order.placed", "order.confirmed", "fulfilment.ready_for_pickup"], "not-collected"),
        (["fulfilment.ready_for_pickup", "order.placed"], "not-collected"),
    ],
)
def test_it_waits_for_the_step_after_the_last_one_heard_of(ledger: Ledger, heard: list[str], waits_for: str) -> None:
    for kind in heard:
        ledger.heard(kind, ORDER, NO_VALUE)
    assert ledger.order_fates() == {Fate("web", "waiting", waits_for): 1}


def test_a_line_is_cancelled_once_its_last_piece_is(ledger: Ledger) -> None:
    ledger.heard("order.line_cancelled", ORDER, cancelled("1", 1))
    assert ledger.line_fates() == {Fate("web", "waiting", "not-answered"): 2, **NOTHING}
    ledger.heard("order.line_cancelled", ORDER, cancelled("1", 1))
    ledger.heard("order.completed", ORDER, NO_VALUE)
    assert ledger.line_fates() == {Fate("web", "cancelled", "short-pick"): 1, Fate("web", "completed"): 1, **NOTHING}
    assert ledger.order_fates() == {Fate("web", "completed"): 1}
    assert ledger.bought_at(ORDER) is None


def test_an_order_is_cancelled_for_the_reason_of_its_lines(ledger: Ledger) -> None:
    for line_id in ("1", "2"):
        ledger.heard("order.line_cancelled", ORDER, cancelled(line_id, 2, "customer-request"))
    ledger.heard("order.cancelled", ORDER, NO_VALUE)
    assert ledger.order_fates() == {Fate("web", "cancelled", "customer-request"): 1}
    assert ledger.line_fates() == {Fate("web", "cancelled", "customer-request"): 2, **NOTHING}


def test_a_rejected_order_takes_all_its_lines_along(ledger: Ledger) -> None:
    ledger.heard("order.rejected", ORDER, b'{"reasons": [{"slug": "stock-unavailable"}]}')
    assert ledger.order_fates() == {Fate("web", "rejected", "stock-unavailable"): 1}
    assert ledger.line_fates() == {Fate("web", "rejected", "stock-unavailable"): 2, **NOTHING}


def test_refusals_and_dead_letters_are_counted(ledger: Ledger) -> None:
    ledger.heard("handover.refused", ORDER, b'{"reason": {"slug": "wrong-code"}}')
    ledger.heard_dead_letter("schema-violation")
    assert ledger.refusals == {("handover.refused", "wrong-code"): 1}
    assert ledger.dead_letters == {"schema-violation": 1}
    assert ledger.settled == 0


def test_orders_of_others_are_left_alone(ledger: Ledger) -> None:
    ledger.heard("order.completed", "WEB-1001", NO_VALUE)
    assert ledger.settled == 0
