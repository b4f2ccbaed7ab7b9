"""Stock changes without an order: deliveries, counts, adjustments, and how much of it is kept back.

These are facts, taken for locations and skus that nobody described yet, too.
"""

from typing import Literal

from services.inventory.domain.discrepancy import discrepancy, oversales
from services.inventory.domain.holding import stock_since
from services.inventory.domain.state import Movement, Stock
from shared.events.inventory import StockDiscrepancyFound, StockMoved
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.reference import SafetyStockSet
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid

ON_HAND_MAX = 500_000_000
"""Pieces on hand, or below zero, beyond which a message that leads there is a slip of the keyboard and not a fact."""


def receive(received: StockReceived, given: Given, *, stock: Stock | None) -> Answer:
    """Add a delivery."""
    old = stock or Stock(received.location_id, received.sku)
    return _move(old.change(received.quantity), given, stock=stock, cause="received")


def count(counted: StockCounted, given: Given, *, stock: Stock | None) -> Answer:
    """Take the count for what is on hand. Missing pieces are missing no longer: they are counted, or gone."""
    old = stock or Stock(counted.location_id, counted.sku)
    new = old.count(counted.counted_quantity)
    differs = abs(new.on_hand - old.on_hand)
    found = (discrepancy(new.key, "count_differs", differs),) if differs else ()
    return _move(new, given, stock=stock, cause="counted", found=found)


def adjust(adjusted: StockAdjusted, given: Given, *, stock: Stock | None) -> Answer:
    """Add or take what somebody found, broke or lost."""
    if not adjusted.change_quantity:
        return NOTHING
    old = stock or Stock(adjusted.location_id, adjusted.sku)
    new = old.change(adjusted.change_quantity)
    found = oversales({old.key: old}, {new.key: new}, were="adjusted")
    return _move(new, given, stock=stock, cause="adjusted", found=found)


def keep_back(wanted: SafetyStockSet, given: Given, *, stock: Stock | None) -> Answer:
    """Keep so many pieces back from promises; what is promised stays promised."""
    old = stock or Stock(wanted.location_id, wanted.sku)
    return _since(stock, old.keep_back(wanted.quantity))


def _move(
    new: Stock,
    given: Given,
    *,
    stock: Stock | None,
    cause: Literal["received", "counted", "adjusted"],
    found: tuple[StockDiscrepancyFound, ...] = (),
) -> Answer:
    """Journal the change of what is on hand, if any, and tell of it."""
    change = new.on_hand - (stock.on_hand if stock else 0)
    if abs(new.on_hand) > max(ON_HAND_MAX, abs(new.on_hand - change)):
        return Invalid("beyond-any-stock", f"it would make {new.on_hand} pieces; at most {ON_HAND_MAX} are believed")
    if not change:
        return _since(stock, new)
    movement = Movement(
        movement_id=given.new_id("movement:0"),
        location_id=new.location_id,
        sku=new.sku,
        change_quantity=change,
        cause=cause,
        message_id=given.message_id,
        moved_at=given.believed_at(),
    )
    moved = StockMoved(
        location_id=new.location_id,
        sku=new.sku,
        change_quantity=change,
        cause=cause,
        on_hand_quantity=new.on_hand,
        moved_at=given.believed_at(),
    )
    return Decision(rows=(movement,), events=(moved, *found)) + _since(stock, new)


def _since(old: Stock | None, new: Stock) -> Decision:
    return stock_since({old.key: old} if old else {}, {new.key: new})
