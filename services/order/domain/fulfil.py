"""Following what fulfilment says: it alone knows what was picked, handed over and brought back to the shelf."""

from services.order.domain import causes
from services.order.domain.call_off import call_off, ending
from services.order.domain.move import move
from services.order.domain.state import Order
from shared.events.fulfilment import (
    FulfilmentCancelled,
    FulfilmentCollected,
    FulfilmentExpired,
    FulfilmentShort,
    ReadyForPickup,
    news,
)
from shared.events.reasons import reason
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet


def make_ready(ready: ReadyForPickup, given: Given, *, order: Order | None) -> Answer:
    """Note what waits in the store."""
    if order is None:
        return NotYet(Order, ready.order_id)
    waiting, moved = move(order, ready.lines, sources=("reserved",), target="ready")
    return Decision(rows=(waiting,)) if moved else NOTHING


def collect(collected: FulfilmentCollected, given: Given, *, order: Order | None) -> Answer:
    """Note what the customer has; the last open pieces complete the order."""
    if order is None:
        return NotYet(Order, collected.order_id)
    noted = {line.line_id: line.pieces.collected for line in order.lines}
    handed_over, moved = move(order, news(collected.lines, noted), sources=("ready",), target="collected")
    return Decision(rows=(handed_over,), events=ending(handed_over)) if moved else NOTHING


def drop_short(short: FulfilmentShort, given: Given, *, order: Order | None) -> Answer:
    """Cancel what was not on the shelf."""
    if order is None:
        return NotYet(Order, short.order_id)
    return call_off(order, short.lines, sources=("reserved",), why=reason(causes.ShortPick))


def expire(expired: FulfilmentExpired, given: Given, *, order: Order | None) -> Answer:
    """Cancel what nobody came for."""
    if order is None:
        return NotYet(Order, expired.order_id)
    return call_off(order, expired.lines, sources=("ready",), why=reason(causes.NotCollected))


def settle(cancelled: FulfilmentCancelled, given: Given, *, order: Order | None) -> Answer:
    """Cancel what fulfilment gave up because we asked, for the reason that we gave."""
    if order is None:
        return NotYet(Order, cancelled.order_id)
    return call_off(order, cancelled.lines, sources=("reserved", "ready"), why=cancelled.reason)
