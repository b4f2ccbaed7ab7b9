"""Pieces are kept for an order no longer, or for too long."""

from collections.abc import Mapping

from services.inventory.domain.holding import Holding
from services.inventory.domain.state import HeldLine, Reservation, Stock, StockKey
from shared.events.inventory import HoldExpired, StockLine, StockReleased
from shared.events.order import OrderLineCancelled
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet

SHORT_PICK = "short-pick"
"""The reason of a cancelled line whose pieces were not on the shelf: `miss` has taken them out already, or will."""


def release(
    cancelled: OrderLineCancelled,
    given: Given,
    *,
    reservation: Reservation | None,
    stock: Mapping[StockKey, Stock],
) -> Answer:
    """Free the cancelled pieces, as far as they are still kept.

    An order is placed before it is cancelled: where that was set aside, it would be reserved afterwards, and for ever.
    """
    if cancelled.reason.slug == SHORT_PICK:
        return NOTHING
    if reservation is None:
        return NotYet(Reservation, cancelled.order_id)
    pieces = _held(reservation, line_id=cancelled.line_id, quantity=cancelled.quantity)
    if not pieces:
        return NOTHING
    before = Holding(reservation, stock)
    told = StockReleased(order_id=cancelled.order_id, lines=pieces, reason=cancelled.reason)
    return Decision(events=(told,)) + before.after(pieces, _let_go).since(before)


def expire_hold(due: object, given: Given, *, reservation: Reservation | None) -> Answer:
    """Tell what nobody picked in time. It stays reserved: what becomes of it, the order service decides."""
    if reservation is None or not reservation.unpicked:
        return NOTHING
    lines = tuple(_pieces(line, line.reserved) for line in reservation.unpicked)
    return Decision(events=(HoldExpired(order_id=reservation.order_id, lines=lines),))


def _held(reservation: Reservation, *, line_id: str, quantity: int) -> tuple[StockLine, ...]:
    """Return up to a quantity of what is kept of a line."""
    pieces, left = [], quantity
    for line in reservation.lines:
        if line.line_id == line_id and (taken := min(left, line.held)):
            pieces.append(_pieces(line, taken))
            left -= taken
    return tuple(pieces)


def _let_go(line: HeldLine, stock: Stock, quantity: int) -> tuple[HeldLine, Stock]:
    return line.release(quantity), stock.release(quantity)


def _pieces(line: HeldLine, quantity: int) -> StockLine:
    return StockLine(line_id=line.line_id, sku=line.sku, location_id=line.location_id, quantity=quantity)
