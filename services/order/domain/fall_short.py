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
    """Cancel the short lines, or everything where the customer takes all or nothing; the last pieces reject the order.

    Of an order that is to be had whole inventory reserved nothing, so it goes even when its short line was cancelled
    meanwhile.
    """
    if order is None:
        return NotYet(Order, unavailable.order_id)
    short = {line.line_id for line in unavailable.lines}
    lost = [
        LineQuantity(line_id=line.line_id, quantity=line.pieces.pending)
        for line in order.lines
        if line.pieces.pending and (line.line_id in short or order.when_short == "reject_order")
    ]
    if not lost:
        return NOTHING
    if sum(each.quantity for each in lost) == order.open_quantity and not order.collected_quantity:
        return reject(order, [Rejection.of(Unavailable, line.line_id) for line in unavailable.lines])
    return call_off(order, lost, sources=("pending",), why=reason(Unavailable))
