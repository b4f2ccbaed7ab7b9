"""Goods leave with the customer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from services.inventory.domain.discrepancy import oversales
from services.inventory.domain.holding import Holding, kept_and_excess
from services.inventory.domain.state import Cause, HeldLine, Movement, Reservation, Stock, StockKey
from shared.events.fulfilment import FulfilmentCollected
from shared.events.inventory import StockIssued, StockLine
from shared.kernel.decision import Answer, Decision, Given, NotYet


def issue(
    collected: FulfilmentCollected,
    given: Given,
    *,
    reservation: Reservation | None,
    stock: Mapping[StockKey, Stock],
) -> Answer:
    """Write off what was handed over and kept for it; tell of what was not kept, and leave it where it is."""
    if reservation is None:
        return NotYet(Reservation, collected.order_id)
    pieces, excess = kept_and_excess(collected, reservation, noted=attrgetter("issued"), kept=attrgetter("held"))
    if not pieces:
        return Decision(events=excess)
    before = Holding(reservation, stock)
    after = before.after(pieces, hand_over)
    written_off = write_off(
        pieces, given, before=before, after=after, cause="collected", moved_at=collected.collected_at
    )
    return written_off + Decision(events=excess) + after.since(before)


def hand_over(line: HeldLine, stock: Stock, quantity: int) -> tuple[HeldLine, Stock]:
    """Take pieces off the books, and out of what is kept for the order as far as it is kept."""
    issued = line.issue(quantity)
    return issued, stock.change(-quantity).release(line.held - issued.held)


def write_off(
    pieces: Sequence[StockLine], given: Given, *, before: Holding, after: Holding, cause: Cause, moved_at: datetime
) -> Decision:
    """Journal pieces that left, and tell of them."""
    order_id = after.reservation.order_id
    movements = tuple(
        Movement(
            movement_id=given.new_id(f"movement:{ordinal}"),
            location_id=each.location_id,
            sku=each.sku,
            change_quantity=-each.quantity,
            cause=cause,
            message_id=given.message_id,
            moved_at=moved_at,
            order_id=order_id,
            line_id=each.line_id,
        )
        for ordinal, each in enumerate(pieces)
    )
    issued = StockIssued(order_id=order_id, lines=tuple(pieces))
    return Decision(rows=movements, events=(issued, *oversales(before.stock, after.stock, order_id=order_id)))
