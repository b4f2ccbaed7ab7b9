"""Confirming what inventory reserved."""

from services.order.domain.move import move
from services.order.domain.state import Order
from shared.events.inventory import StockReserved
from shared.events.order import ConfirmedLine, OrderConfirmed
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet


def confirm(reserved: StockReserved, given: Given, *, order: Order | None) -> Answer:
    """Confirm the reserved pieces that are still wanted; inventory releases by itself what was cancelled meanwhile."""
    if order is None:
        return NotYet(Order, reserved.order_id)
    confirmed, moved = move(order, reserved.lines, sources=("pending",), target="reserved")
    if not moved:
        return NOTHING
    lines = tuple(
        ConfirmedLine(
            line_id=each.line_id, sku=each.line.sku, quantity=each.quantity, location_id=each.line.location_id
        )
        for each in moved
    )
    return Decision(rows=(confirmed,), events=(OrderConfirmed(order_id=order.order_id, lines=lines),))
