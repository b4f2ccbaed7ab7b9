"""Calling pieces off: cancelled, refunded, and the order ended when they were its last."""

from collections.abc import Iterable

from services.order.domain.move import Pieces, move
from services.order.domain.refund import refund
from services.order.domain.state import Bucket, Order
from shared.events.event import Reason
from shared.events.order import OrderCancelled, OrderCompleted, OrderLineCancelled
from shared.kernel.decision import NOTHING, Decision


def call_off(order: Order, wanted: Iterable[Pieces], *, sources: tuple[Bucket, ...], why: Reason) -> Decision:
    """Cancel what is in the source buckets of the wanted pieces, and refund it in one request."""
    smaller, moved = move(order, wanted, sources=sources, target="cancelled")
    if not moved:
        return NOTHING
    cancelled = [
        OrderLineCancelled(order_id=order.order_id, line_id=each.line_id, quantity=each.quantity, reason=why)
        for each in moved
    ]
    refunded, requests = refund(smaller, why)
    return Decision(rows=(refunded,), events=(*cancelled, *requests, *ending(refunded)))


def ending(order: Order) -> tuple[OrderCompleted | OrderCancelled, ...]:
    """Say that an order has ended, when nothing is open. To be asked once: when its last open pieces have moved."""
    if order.open_quantity:
        return ()
    ended = OrderCompleted if order.collected_quantity else OrderCancelled
    return (ended(order_id=order.order_id),)
