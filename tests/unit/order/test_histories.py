"""Seeded histories of one order: whatever the other services say, in whatever order, the books stay right."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from services.order.domain.cancel import cancel, decline, let_go
from services.order.domain.confirm import confirm
from services.order.domain.fall_short import fall_short
from services.order.domain.fulfil import collect, drop_short, expire, make_ready, settle
from services.order.domain.state import Order
from shared.events.channel import OrderCancellationRequested
from shared.events.event import LineQuantity
from shared.events.fulfilment import CancellationDeclined
from shared.events.inventory import HoldExpired, ShortLine, StockLine, StockReserved, StockUnavailable
from shared.events.order import OrderLineCancelled, RefundRequested
from shared.kernel.decision import NOTHING, Answer, Decision
from tests.unit.order.orders import BOUGHT_AT, GIVEN, line, order, some
from tests.unit.order.test_fulfil import collected, expired, given_up, ready, short

LINES = ("a", "b", "nobodys")
ENDINGS = {"order.completed", "order.cancelled", "order.rejected"}
Step = Callable[[Order], Answer]


def pick(chance: Random) -> dict[str, int]:
    """Some pieces of some lines, perhaps more than there are, perhaps of a line that nobody ordered."""
    return {line_id: chance.randint(1, 4) for line_id in LINES if chance.random() < 0.6} or {"a": 1}


def stock(quantities: dict[str, int]) -> tuple[StockLine, ...]:
    return tuple(StockLine(line_id=k, sku=f"sku-{k}", location_id="moda", quantity=v) for k, v in quantities.items())


def lines_of(quantities: dict[str, int]) -> tuple[LineQuantity, ...]:
    return tuple(some(line_id, quantity) for line_id, quantity in quantities.items())


def message(chance: Random) -> tuple[Callable[..., Answer], Any]:
    """Any message that another service, or a customer, may send about an order."""
    some_pieces = pick(chance)
    short_lines = tuple(
        ShortLine(line_id=k, sku=f"sku-{k}", location_id="moda", requested_quantity=v, available_quantity=0)
        for k, v in some_pieces.items()
    )
    asked = lines_of(some_pieces) if chance.random() < 0.7 else ()
    messages: list[tuple[Callable[..., Answer], Any]] = [
        (confirm, StockReserved(order_id="order-1", lines=stock(some_pieces), hold_until=BOUGHT_AT)),
        (fall_short, StockUnavailable(order_id="order-1", lines=short_lines)),
        (let_go, HoldExpired(order_id="order-1", lines=stock(some_pieces))),
        (cancel, OrderCancellationRequested(order_id="order-1", channel="web", lines=asked)),
        (decline, CancellationDeclined(order_id="order-1", request_id="r", lines=lines_of(some_pieces))),
        (make_ready, ready(**some_pieces)),
        (collect, collected(**some_pieces)),
        (drop_short, short(**some_pieces)),
        (expire, expired(**some_pieces)),
        (settle, given_up(**some_pieces)),
    ]
    weights = [4, 1, 2, 2, 1, 4, 4, 1, 1, 1]
    return chance.choices(messages, weights)[0]


def new_order(chance: Random) -> Order:
    return order(
        line("a", net=chance.randint(0, 1000), tax=chance.randint(0, 200), pending=chance.randint(1, 7)),
        line("b", net=chance.randint(0, 1000), tax=chance.randint(0, 200), pending=chance.randint(1, 7)),
        when_short=chance.choice(["reject_order", "reject_line"]),
    )


@pytest.mark.parametrize("seed", range(150))
def test_pieces_and_money_are_conserved_and_an_order_ends_once(seed: int) -> None:
    chance = Random(seed)
    first = known = new_order(chance)
    refunded, cancelled_pieces, endings = 0, 0, Counter[str]()
    for _ in range(40):
        decide, event = message(chance)
        decision = decide(event, GIVEN, order=known)
        assert isinstance(decision, Decision)
        before = known
        (known,) = decision.rows or (known,)  # type: ignore[assignment]
        assert (known != before) == bool(decision.rows), "a row is written when it changed, and only then"
        for said in decision.events:
            if isinstance(said, RefundRequested):
                refunded += said.amount_minor
                assert sum(tender.amount_minor for tender in said.tenders) == said.amount_minor
            if isinstance(said, OrderLineCancelled):
                cancelled_pieces += said.quantity
        endings.update(said.TYPE for said in decision.events if said.TYPE in ENDINGS)

        assert known.ordered_quantity == first.ordered_quantity
        assert refunded == known.refunded_minor == known.owed_back_minor
        assert known.status == "rejected" or cancelled_pieces == known.cancelled_quantity
        assert endings.total() == (known.open_quantity == 0)
        if known.open_quantity == 0:
            assert set(endings) == {f"order.{known.status}"}


@pytest.mark.parametrize("seed", range(50))
def test_a_word_about_what_was_moved_is_not_taken_twice(seed: int) -> None:
    """Once every piece that a message can move has moved, the same word again changes nothing."""
    chance = Random(seed)
    known = new_order(chance)
    for _ in range(20):
        decide, event = message(chance)
        for _ in range(8):
            decision = decide(event, GIVEN, order=known)
            assert isinstance(decision, Decision)
            (known,) = decision.rows or (known,)  # type: ignore[assignment]
        again = decide(event, GIVEN, order=known)
        assert isinstance(again, Decision)
        assert not again.rows
        if decide not in (cancel, decline, let_go):
            assert again == NOTHING
