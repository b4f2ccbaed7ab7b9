"""The books and the shelf disagree: which pieces, and how somebody noticed."""

from collections.abc import Mapping
from typing import Literal

from services.inventory.domain.state import Stock, StockKey, stock_at
from shared.events.inventory import DiscrepancyKind, StockDiscrepancyFound

BELOW_ZERO: dict[str, DiscrepancyKind] = {"sold": "sold_below_zero", "adjusted": "adjusted_below_zero"}
WHILE_RESERVED: dict[str, DiscrepancyKind] = {"sold": "sold_while_reserved", "adjusted": "adjusted_while_reserved"}


def discrepancy(
    key: StockKey, kind: DiscrepancyKind, quantity: int, *, order_id: str | None = None
) -> StockDiscrepancyFound:
    """Ask for a count of this stock."""
    return StockDiscrepancyFound(location_id=key[0], sku=key[1], kind=kind, quantity=quantity, order_id=order_id)


def oversales(
    before: Mapping[StockKey, Stock],
    after: Mapping[StockKey, Stock],
    *,
    order_id: str | None = None,
    were: Literal["sold", "adjusted"] = "sold",
) -> tuple[StockDiscrepancyFound, ...]:
    """Tell of pieces that went though the books never had them, and of pieces that went though they were kept.

    A piece is one or the other: what is below zero was kept for nobody.
    """
    found = []
    for key in sorted(after):
        old, new = stock_at(before, key), after[key]
        below_zero = new.below_zero - old.below_zero
        kept = new.oversold - old.oversold - below_zero
        if below_zero > 0:
            found.append(discrepancy(key, BELOW_ZERO[were], below_zero, order_id=order_id))
        if kept > 0:
            found.append(discrepancy(key, WHILE_RESERVED[were], kept, order_id=order_id))
    return tuple(found)
