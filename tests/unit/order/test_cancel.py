"""Cancelling: at once while pieces are pending, by fulfilment's word afterwards, and never what is gone."""

from typing import Literal

import pytest

from services.order.domain import causes, refusals
from services.order.domain.cancel import cancel, decline, let_go
from services.order.domain.state import Buckets, Order
from shared.events.channel import OrderCancellationRequested
from shared.events.event import LineQuantity
from shared.events.fulfilment import CancellationDeclined
from shared.events.inventory import HoldExpired, StockLine
from shared.events.order import CancellationAsked, CancellationRefused, OrderCancelled, OrderCompleted
from shared.kernel.decision import NOTHING, Decision, NotYet, Refused
from tests.unit.order.orders import GIVEN, cancelled, line, order, pieces, refund, some, the_order, why

ENDED = OrderCancelled(order_id="order-1")


def request(*lines: LineQuantity, by: Literal["customer", "associate"] = "customer") -> OrderCancellationRequested:
    return OrderCancellationRequested(order_id="order-1", channel="web", lines=lines, requested_by=by)


def asked(location_id: str, *lines: LineQuantity, cause: type[Refused] = causes.CustomerRequest) -> CancellationAsked:
    return CancellationAsked(
        order_id="order-1", location_id=location_id, request_id="message-1", lines=lines, reason=why(cause)
    )


def refused(refusal: type[Refused], *lines: LineQuantity, request_id: str = "message-1") -> CancellationRefused:
    return CancellationRefused(order_id="order-1", request_id=request_id, lines=lines, reason=why(refusal))


AT_ONCE = {
    "all of it": (
        order(line("a", pending=2), line("b", pending=1)),
        request(),
        (
            cancelled("a", 2, causes.CustomerRequest),
            cancelled("b", 1, causes.CustomerRequest),
            refund(4800, causes.CustomerRequest),
            ENDED,
        ),
        {"a": Buckets(cancelled=2), "b": Buckets(cancelled=1)},
    ),
    "one of three, and the odd cent stays with the pieces in front": (
        order(line("a", pending=3, net=1000, tax=200)),
        request(some("a", 1)),
        (cancelled("a", 1, causes.CustomerRequest), refund(334 + 67, causes.CustomerRequest)),
        {"a": Buckets(pending=2, cancelled=1)},
    ),
    "the second of three": (
        order(line("a", pending=2, cancelled=1, net=1000, tax=200)),
        request(some("a", 1)),
        (cancelled("a", 1, causes.CustomerRequest), refund(333 + 67, causes.CustomerRequest)),
        {"a": Buckets(pending=1, cancelled=2)},
    ),
    "the last of three": (
        order(line("a", pending=1, cancelled=2, net=1000, tax=200)),
        request(some("a", 1)),
        (cancelled("a", 1, causes.CustomerRequest), refund(333 + 66, causes.CustomerRequest), ENDED),
        {"a": Buckets(cancelled=3)},
    ),
    "a line named twice counts twice": (
        order(line("a", pending=3, net=1000, tax=200)),
        request(some("a", 1), some("a", 1)),
        (cancelled("a", 2, causes.CustomerRequest), refund(667 + 134, causes.CustomerRequest)),
        {"a": Buckets(pending=1, cancelled=2)},
    ),
    "what costs nothing is cancelled without a refund": (
        order(line("gift", pending=1, net=0, tax=0), line("b", pending=1)),
        request(some("gift", 1)),
        (cancelled("gift", 1, causes.CustomerRequest),),
        {"gift": Buckets(cancelled=1), "b": Buckets(pending=1)},
    ),
    "an associate asks": (
        order(line("a", pending=1)),
        request(by="associate"),
        (cancelled("a", 1, causes.AssociateRequest), refund(2400, causes.AssociateRequest), ENDED),
        {"a": Buckets(cancelled=1)},
    ),
    "the rest of an order of which something was collected": (
        order(line("a", collected=1), line("b", pending=1)),
        request(),
        (
            cancelled("b", 1, causes.CustomerRequest),
            refund(2400, causes.CustomerRequest),
            OrderCompleted(order_id="order-1"),
        ),
        {"a": Buckets(collected=1), "b": Buckets(cancelled=1)},
    ),
}


@pytest.mark.parametrize(("known", "requested", "events", "after"), AT_ONCE.values(), ids=AT_ONCE)
def test_pending_pieces_are_cancelled_at_once(
    known: Order, requested: OrderCancellationRequested, events: tuple[object, ...], after: dict[str, Buckets]
) -> None:
    decision = cancel(requested, GIVEN, order=known)
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=events)  # type: ignore[arg-type]
    assert pieces(row) == after


ASKED = {
    "reserved": (order(line("a", reserved=2)), request(some("a", 1)), (asked("moda", some("a", 1)),)),
    "ready": (order(line("a", ready=2)), request(some("a", 2)), (asked("moda", some("a", 2)),)),
    "all that is not collected, store by store": (
        order(
            line("a", reserved=2),
            line("b", reserved=1, at="kadikoy"),
            line("c", ready=3, collected=1),
            line("d", collected=1),
            line("e", cancelled=1),
        ),
        request(),
        (asked("moda", some("a", 2), some("c", 3)), asked("kadikoy", some("b", 1))),
    ),
}


@pytest.mark.parametrize(("known", "requested", "asks"), ASKED.values(), ids=ASKED)
def test_fulfilment_is_asked_about_pieces_it_has_in_hand_and_nothing_is_cancelled_yet(
    known: Order, requested: OrderCancellationRequested, asks: tuple[CancellationAsked, ...]
) -> None:
    assert cancel(requested, GIVEN, order=known) == Decision(events=asks)


def test_pending_pieces_go_first_and_fulfilment_is_asked_about_the_rest() -> None:
    mixed = order(line("a", pending=2), line("b", reserved=1))
    decision = cancel(request(some("a", 1), some("b", 1)), GIVEN, order=mixed)
    row = the_order(decision)
    assert decision == Decision(
        rows=(row,),
        events=(
            cancelled("a", 1, causes.CustomerRequest),
            refund(1200, causes.CustomerRequest),
            asked("moda", some("b", 1)),
        ),
    )
    assert pieces(row) == {"a": Buckets(pending=1, cancelled=1), "b": Buckets(reserved=1)}


def test_of_one_line_too_the_pending_pieces_go_first() -> None:
    decision = cancel(request(some("a", 2)), GIVEN, order=order(line("a", pending=1, reserved=3)))
    assert isinstance(decision, Decision)
    assert decision.events == (
        cancelled("a", 1, causes.CustomerRequest),
        refund(600, causes.CustomerRequest),
        asked("moda", some("a", 1)),
    )


REFUSED = {
    "an order that nobody knows": (
        None,
        request(some("a", 1)),
        (refused(refusals.OrderUnknown, some("a", 1)),),
    ),
    "a line that nobody ordered": (
        order(line("a", pending=1)),
        request(some("a", 1), some("b", 1)),
        (refused(refusals.LineUnknown, some("b", 1)),),
    ),
    "more than is open": (
        order(line("a", pending=1, reserved=1, ready=1, collected=1)),
        request(some("a", 4)),
        (refused(refusals.MoreThanOpen, some("a", 4)),),
    ),
    "more than is open, in two parts": (
        order(line("a", pending=2)),
        request(some("a", 1), some("a", 2)),
        (refused(refusals.MoreThanOpen, some("a", 1), some("a", 2)),),
    ),
    "more than can be counted in one event": (
        order(line("a", pending=2)),
        request(some("a", 1_000_000), some("a", 1_000_000)),
        (refused(refusals.MoreThanOpen, some("a", 1_000_000), some("a", 1_000_000)),),
    ),
    "a collected line": (
        order(line("a", pending=1), line("b", collected=1)),
        request(some("a", 1), some("b", 1)),
        (refused(refusals.AlreadyCollected, some("b", 1)),),
    ),
    "a cancelled line": (
        order(line("a", pending=1), line("b", cancelled=1)),
        request(some("a", 1), some("b", 1)),
        (refused(refusals.AlreadyCancelled, some("b", 1)),),
    ),
    "several reasons": (
        order(line("a", pending=1), line("b", collected=1), line("c", collected=1)),
        request(some("b", 1), some("a", 2), some("c", 1)),
        (refused(refusals.AlreadyCollected, some("b", 1), some("c", 1)), refused(refusals.MoreThanOpen, some("a", 2))),
    ),
    "all of a collected order": (order(line("a", collected=1)), request(), (refused(refusals.AlreadyCollected),)),
    "all of an order of which the rest was cancelled": (
        order(line("a", collected=1, cancelled=1)),
        request(),
        (refused(refusals.AlreadyCollected),),
    ),
    "all of a cancelled order": (order(line("a", cancelled=1)), request(), (refused(refusals.AlreadyCancelled),)),
}


@pytest.mark.parametrize(("known", "requested", "refusals_"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_cannot_be_met_takes_no_effect_at_all(
    known: Order | None, requested: OrderCancellationRequested, refusals_: tuple[CancellationRefused, ...]
) -> None:
    assert cancel(requested, GIVEN, order=known) == Decision(events=refusals_)


def expired(**quantities: int) -> HoldExpired:
    lines = tuple(
        StockLine(line_id=line_id, sku=f"sku-{line_id}", location_id="moda", quantity=quantity)
        for line_id, quantity in quantities.items()
    )
    return HoldExpired(order_id="order-1", lines=lines)


def test_a_hold_that_ran_out_asks_for_what_nobody_picked() -> None:
    held = order(line("a", reserved=2), line("b", ready=2), line("c", reserved=1, at="kadikoy"), line("d", collected=1))
    decision = let_go(expired(a=2, b=2, c=1, d=1, nobodys=1), GIVEN, order=held)
    asks = (
        asked("moda", some("a", 2), cause=causes.HoldExpired),
        asked("kadikoy", some("c", 1), cause=causes.HoldExpired),
    )
    assert decision == Decision(events=asks)


def test_a_hold_that_ran_out_asks_for_no_more_than_inventory_names() -> None:
    decision = let_go(expired(a=1), GIVEN, order=order(line("a", reserved=3), line("b", reserved=1)))
    assert decision == Decision(events=(asked("moda", some("a", 1), cause=causes.HoldExpired),))


def test_a_hold_that_ran_out_before_it_was_confirmed_cancels_at_once() -> None:
    decision = let_go(expired(a=2), GIVEN, order=order(line("a", pending=2)))
    row = the_order(decision)
    events = (cancelled("a", 2, causes.HoldExpired), refund(2400, causes.HoldExpired), ENDED)
    assert decision == Decision(rows=(row,), events=events)


GONE = {
    "ready": order(line("a", ready=2)),
    "collected": order(line("a", collected=2)),
    "cancelled": order(line("a", cancelled=2)),
}


@pytest.mark.parametrize("known", GONE.values(), ids=GONE)
def test_a_hold_that_ran_out_changes_nothing_for_pieces_that_are_picked_or_gone(known: Order) -> None:
    assert let_go(expired(a=2), GIVEN, order=known) == NOTHING


DECLINED = {
    "collected meanwhile": (order(line("a", collected=2)), refusals.AlreadyCollected),
    "some collected, some cancelled": (order(line("a", collected=1, cancelled=1)), refusals.AlreadyCollected),
    "cancelled by an earlier request": (order(line("a", cancelled=2)), refusals.AlreadyCancelled),
    "never ordered": (order(line("other", reserved=1)), refusals.LineUnknown),
}


@pytest.mark.parametrize(("known", "refusal"), DECLINED.values(), ids=DECLINED)
def test_whoever_asked_is_told_why_fulfilment_declined(known: Order, refusal: type[Refused]) -> None:
    declined = CancellationDeclined(order_id="order-1", request_id="request-7", lines=(some("a", 1),))
    expected = refused(refusal, some("a", 1), request_id="request-7")
    assert decline(declined, GIVEN, order=known) == Decision(events=(expected,))


def test_what_other_services_say_waits_for_its_order() -> None:
    declined = CancellationDeclined(order_id="order-1", request_id="request-7", lines=(some("a", 1),))
    assert let_go(expired(a=1), GIVEN, order=None) == NotYet(Order, "order-1")
    assert decline(declined, GIVEN, order=None) == NotYet(Order, "order-1")
