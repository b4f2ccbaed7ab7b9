"""A reservation and its stock change together, or not at all."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from services.inventory.domain.discrepancy import discrepancy
from services.inventory.domain.state import HeldLine, Reservation, Stock, StockKey, stock_at
from shared.events.fulfilment import FulfilmentCollected, FulfilmentShort, TaskLine, news
from shared.events.inventory import AvailabilityChanged, StockDiscrepancyFound, StockLine
from shared.kernel.decision import Deadline, Decision
from shared.kernel.value import Value

HOLD = "hold"
"""The deadline by which the pieces of an order, its key, must be picked."""

Change = Callable[[HeldLine, Stock, int], tuple[HeldLine, Stock]]
"""What becomes of a line and its stock by a number of pieces."""


class Holding(Value):
    """A reservation and the stock that it is about, before or after a change."""

    reservation: Reservation
    stock: Mapping[StockKey, Stock]

    def after(self, pieces: Iterable[StockLine], change: Change) -> "Holding":
        """Return the holding after a change of these pieces, each line seeing what the earlier ones left."""
        stock = dict(self.stock)

        def change_both(line: HeldLine, quantity: int) -> HeldLine:
            changed, stock[line.stock_key] = change(line, stock_at(stock, line.stock_key), quantity)
            return changed

        return Holding(self.reservation.after(pieces, change_both), stock)

    def since(self, before: "Holding") -> Decision:
        """Decide to keep what changed since then."""
        ended = hold_ended(before.reservation, self.reservation)
        return Decision(rows=(self.reservation,), deadlines=ended) + stock_since(before.stock, self.stock)


def hold_ended(before: Reservation, after: Reservation) -> tuple[Deadline, ...]:
    """Clear the deadline of the hold where nothing is left to pick."""
    ended = before.unpicked and not after.unpicked
    return (Deadline(HOLD, after.order_id, None),) if ended else ()


def stock_since(before: Mapping[StockKey, Stock], after: Mapping[StockKey, Stock]) -> Decision:
    """Decide to keep the stock that changed, and tell what may be promised where that is news."""
    changed = [key for key in sorted(after) if after[key] != before.get(key)]
    return Decision(
        rows=tuple(after[key] for key in changed),
        events=tuple(
            AvailabilityChanged(location_id=key[0], sku=key[1], available_to_promise=after[key].available_to_promise)
            for key in changed
            if key not in before or before[key].available_to_promise != after[key].available_to_promise
        ),
    )


def pieces_of(lines: Iterable[TaskLine], location_id: str) -> tuple[StockLine, ...]:
    """Return the pieces of stock that fulfilment tells of."""
    return tuple(
        StockLine(line_id=line.line_id, sku=line.sku, location_id=location_id, quantity=line.quantity) for line in lines
    )


def kept_and_excess(
    told: FulfilmentShort | FulfilmentCollected,
    reservation: Reservation,
    *,
    noted: Callable[[HeldLine], int],
    kept: Callable[[HeldLine], int],
) -> tuple[tuple[StockLine, ...], tuple[StockDiscrepancyFound, ...]]:
    """Return those of the told pieces that are news and kept for the order, and what is told of the others.

    A neighbour that repeats itself under a new id takes nothing twice, and one that is wrong takes nothing from others.
    """
    so_far: Counter[str] = Counter()
    left: Counter[tuple[str, StockKey]] = Counter()
    for line in reservation.lines:
        so_far[line.line_id] += noted(line)
        left[line.line_id, line.stock_key] = kept(line)
    taken, excess = [], []
    for each in pieces_of(news(told.lines, so_far), told.location_id):
        key = each.location_id, each.sku
        quantity = min(each.quantity, left[each.line_id, key])
        left[each.line_id, key] -= quantity
        if quantity:
            taken.append(each.model_copy(update={"quantity": quantity}))
        if beyond := each.quantity - quantity:
            excess.append(discrepancy(key, "more_than_kept", beyond, order_id=told.order_id))
    return tuple(taken), tuple(excess)
