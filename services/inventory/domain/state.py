"""What inventory keeps: the pieces held for orders, the stock of each sku at each location, every change of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from shared.events.inventory import StockLine
from shared.kernel.value import Value, replace

StockKey = tuple[str, str]
"""Location and sku."""


class HeldLine(Value):
    """Pieces of an order line at a location, by what became of them."""

    line_id: str
    sku: str
    location_id: str
    reserved: int = 0
    """Kept for the order, on the shelf."""
    picked: int = 0
    """Kept for the order, set aside."""
    issued: int = 0
    """Left with the customer."""
    released: int = 0
    """Kept no longer."""
    short: int = 0
    """Not found when they were to be picked."""

    def __post_init__(self) -> None:
        assert min(self.reserved, self.picked, self.issued, self.released, self.short) >= 0, self

    @property
    def stock_key(self) -> StockKey:
        """The stock that the pieces are of."""
        return self.location_id, self.sku

    @property
    def held(self) -> int:
        """Pieces kept for the order."""
        return self.reserved + self.picked

    def keep(self, quantity: int) -> "HeldLine":
        """Keep pieces for the order."""
        return replace(self, reserved=self.reserved + quantity)

    def pick(self, quantity: int) -> "HeldLine":
        """Set pieces aside, of those that are still kept: some may have been released meanwhile."""
        picked = min(quantity, self.reserved)
        return replace(self, reserved=self.reserved - picked, picked=self.picked + picked)

    def miss(self, quantity: int) -> "HeldLine":
        """Keep pieces no longer that were not found."""
        return replace(self, reserved=self.reserved - quantity, short=self.short + quantity)

    def issue(self, quantity: int) -> "HeldLine":
        """Hand pieces over, those set aside first. Nothing is kept of what is carried out."""
        picked = min(quantity, self.picked)
        reserved = min(quantity - picked, self.reserved)
        left = replace(self, reserved=self.reserved - reserved, picked=self.picked - picked)
        return replace(left, issued=self.issued + quantity)

    def release(self, quantity: int) -> "HeldLine":
        """Keep pieces no longer, of those that are still kept: first those nobody has set aside."""
        reserved = min(quantity, self.reserved)
        picked = min(quantity - reserved, self.picked)
        left = replace(self, reserved=self.reserved - reserved, picked=self.picked - picked)
        return replace(left, released=self.released + reserved + picked)


class Reservation(Value):
    """What is held for an order. Its row, even without lines, says that the order was decided about."""

    order_id: str
    lines: tuple[HeldLine, ...] = ()

    @property
    def unpicked(self) -> tuple[HeldLine, ...]:
        """The lines with pieces that still wait on the shelf."""
        return tuple(line for line in self.lines if line.reserved)

    def after(self, pieces: Iterable[StockLine], change: Callable[[HeldLine, int], HeldLine]) -> "Reservation":
        """Return the reservation after a change of these pieces, line by line."""
        lines = {(line.line_id, line.stock_key): line for line in self.lines}
        for each in pieces:
            key = each.line_id, (each.location_id, each.sku)
            line = lines.get(key) or HeldLine(each.line_id, each.sku, each.location_id)
            lines[key] = change(line, each.quantity)
        return replace(self, lines=tuple(lines.values()))


class Stock(Value):
    """Pieces of a sku at a location.

    On hand is what the books say: a till that sells what they do not know of takes it below zero.
    """

    location_id: str
    sku: str
    on_hand: int = 0
    reserved: int = 0
    """Kept for orders."""
    blocked: int = 0
    """Not found when they were to be picked, until somebody counts."""
    safety: int = 0
    """Kept back from promises."""

    def __post_init__(self) -> None:
        assert min(self.reserved, self.blocked, self.safety) >= 0, self

    @property
    def key(self) -> StockKey:
        """What the stock is of."""
        return self.location_id, self.sku

    @property
    def available_to_promise(self) -> int:
        """Pieces that a new order may have."""
        return max(0, self.on_hand - self.reserved - self.blocked - self.safety)

    @property
    def below_zero(self) -> int:
        """Pieces that went though the books never had them."""
        return max(0, -self.on_hand)

    @property
    def oversold(self) -> int:
        """Pieces that are kept or missing, and not covered by what is on hand."""
        return max(0, self.reserved + self.blocked - self.on_hand)

    def keep(self, quantity: int) -> "Stock":
        """Keep pieces for an order: never more than may be promised."""
        assert quantity <= self.available_to_promise, (self, quantity)
        return replace(self, reserved=self.reserved + quantity)

    def release(self, quantity: int) -> "Stock":
        """Keep pieces no longer."""
        return replace(self, reserved=self.reserved - quantity)

    def change(self, quantity: int) -> "Stock":
        """Change what is on hand."""
        return replace(self, on_hand=self.on_hand + quantity)

    def block(self, quantity: int) -> "Stock":
        """Promise pieces to nobody until they are counted: they were not found."""
        return replace(self, blocked=self.blocked + quantity)

    def count(self, quantity: int) -> "Stock":
        """Take a count for the truth: nothing is missing any more."""
        return replace(self, on_hand=quantity, blocked=0)

    def keep_back(self, quantity: int) -> "Stock":
        """Keep so many pieces back from promises."""
        return replace(self, safety=quantity)


def stock_at(stock: Mapping[StockKey, Stock], key: StockKey) -> Stock:
    """Return the stock of a key; none, where nobody ever spoke of it."""
    return stock.get(key) or Stock(*key)


Cause = Literal["carried_out", "collected", "received", "counted", "adjusted"]


class Movement(Value):
    """A change of what is on hand. On hand is the sum of its movements, always."""

    movement_id: str
    location_id: str
    sku: str
    change_quantity: int
    cause: Cause
    message_id: str
    """The message that told of it."""
    moved_at: datetime
    order_id: str | None = None
    line_id: str | None = None

    def __post_init__(self) -> None:
        assert self.change_quantity, self
