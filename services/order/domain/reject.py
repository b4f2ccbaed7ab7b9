"""Rejecting an order as a whole."""

from collections.abc import Iterable

from services.order.domain import causes
from services.order.domain.move import move
from services.order.domain.refund import refund
from services.order.domain.state import Order, Rejection
from shared.events.event import LineQuantity, Reason
from shared.events.order import OrderRejected
from shared.events.reasons import reason
from shared.kernel.decision import Decision
from shared.kernel.value import replace


def reject(order: Order, rejections: Iterable[Rejection]) -> Decision:
    """Give up an order that was placed and of which nothing is reserved yet."""
    everything = [LineQuantity(line_id=line.line_id, quantity=line.pieces.pending) for line in order.open_lines()]
    given_up, _ = move(order, everything, sources=("pending",), target="cancelled")
    return announce_rejected(replace(given_up, rejections=tuple(rejections)))


def announce_rejected(order: Order) -> Decision:
    """Say why an order is rejected and give back what was paid, or say that a person must look.

    It is kept: its id is taken, and people may ask.
    """
    refunded, requests = refund(order, reason(causes.OrderRejected))
    rejected = OrderRejected(
        order_id=order.order_id,
        reasons=tuple(
            Reason(slug=each.slug, sentence=each.sentence, line_id=each.line_id) for each in order.rejections
        ),
        refund="by_hand" if order.sums_contradict and order.paid_minor else "requested" if requests else "none",
    )
    return Decision(rows=(refunded,), events=(rejected, *requests))
