"""Staff picked for an order, and found the pieces or missed them."""

from collections.abc import Mapping
from operator import attrgetter

from services.inventory.domain.discrepancy import discrepancy
from services.inventory.domain.holding import Holding, hold_ended, kept_and_excess, pieces_of
from services.inventory.domain.state import HeldLine, Reservation, Stock, StockKey
from shared.events.fulfilment import FulfilmentShort, ReadyForPickup
from shared.kernel.decision import Answer, Decision, Given, NotYet


def pick(ready: ReadyForPickup, given: Given, *, reservation: Reservation | None) -> Answer:
    """Note what was set aside: the stock is as it was, the hold ends with the last piece."""
    if reservation is None:
        return NotYet(Reservation, ready.order_id)
    picked = reservation.after(pieces_of(ready.lines, ready.location_id), HeldLine.pick)
    return Decision(rows=(picked,), deadlines=hold_ended(reservation, picked))


def miss(
    short: FulfilmentShort, given: Given, *, reservation: Reservation | None, stock: Mapping[StockKey, Stock]
) -> Answer:
    """Block what was kept and not on the shelf, so that nobody else is promised it before it is counted."""
    if reservation is None:
        return NotYet(Reservation, short.order_id)
    pieces, excess = kept_and_excess(short, reservation, noted=attrgetter("short"), kept=attrgetter("reserved"))
    if not pieces:
        return Decision(events=excess)
    found = tuple(
        discrepancy((each.location_id, each.sku), "short_pick", each.quantity, order_id=short.order_id)
        for each in pieces
    )
    before = Holding(reservation, stock)
    return Decision(events=(*found, *excess)) + before.after(pieces, _block).since(before)


def _block(line: HeldLine, stock: Stock, quantity: int) -> tuple[HeldLine, Stock]:
    missed = line.miss(quantity)
    return missed, stock.block(quantity).release(line.held - missed.held)
