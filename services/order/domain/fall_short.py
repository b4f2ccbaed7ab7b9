"""Answering that stock is short."""

from services.order.domain.call_off import call_off
from services.order.domain.refusals import StockUnavailable as Unavailable
from services.order.domain.reject import reject
from services.order.domain.state import Order, Rejection
from shared.events.event import LineQuantity
from shared.events.inventory import StockUnavailable
from shared.events.reasons import reason
from shared.kernel.decision import NOTHING, Answer, Given, NotYet


def fall_short(unavailable: StockUnavailable, given: Given, *, order: Order | None) -> Answer:
    """Reject the order, or cancel its short lines when the customer takes the rest.

    Of an order that is to be had whole inventory reserved nothing, so it goes even when its short line was cancelled
    meanwhile. Short lines that were the last of an order reject it too.
    """
    if order is None:
        return NotYet(Order, unavailable.order_id)
    pending = {line.line_id: line.pieces.pending for line in order.lines if line.pieces.pending}
    if not pending:
        return NOTHING
    short = {line.line_id for line in unavailable.lines}
    left = order.open_quantity - sum(pending.get(line_id, 0) for line_id in short)
    if order.when_short == "reject_order" or not (left or order.collected_quantity):
        return reject(order, [Rejection.of(Unavailable, line.line_id) for line in unavailable.lines])
    lost = [
        LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in pending.items() if line_id in short
    ]
    return call_off(order, lost, sources=("pending",), why=reason(Unavailable))
