"""What returns keeps: what was bought in an order, and what of it the customer has got."""

from datetime import datetime

from shared.kernel.money import part
from shared.kernel.value import Value, replace


class Handover(Value):
    """Pieces that the customer got at one time, in one place: the time to return them runs from it."""

    location_id: str
    quantity: int
    at: datetime


class PurchaseLine(Value):
    """A line as it was bought and paid, and its pieces as they were handed over."""

    line_id: str
    sku: str
    quantity: int
    net_minor: int
    tax_minor: int
    handovers: tuple[Handover, ...] = ()

    def __post_init__(self) -> None:
        assert all(handover.quantity > 0 for handover in self.handovers), f"line {self.line_id}: a handover of nothing"
        assert self.quantity > 0, f"line {self.line_id}: a line of nothing"
        assert self.handed_over <= self.quantity, f"line {self.line_id}: more was handed over than bought"

    @property
    def handed_over(self) -> int:
        """How many pieces the customer has got; the others may still come, or were cancelled."""
        return sum(handover.quantity for handover in self.handovers)

    @property
    def handed_over_net_minor(self) -> int:
        """What the pieces that the customer has got cost without tax: pieces count from the first of the line."""
        return part(self.net_minor, whole=self.quantity, before=0, taken=self.handed_over)

    @property
    def handed_over_tax_minor(self) -> int:
        """The tax on the pieces that the customer has got."""
        return part(self.tax_minor, whole=self.quantity, before=0, taken=self.handed_over)

    def with_handover(self, handover: Handover) -> "PurchaseLine":
        """Return the line with more pieces handed over."""
        return replace(self, handovers=(*self.handovers, handover))


class Purchase(Value):
    """An order as returns see it."""

    order_id: str
    customer_id: str | None
    currency: str
    placed_at: datetime
    lines: tuple[PurchaseLine, ...]

    def __post_init__(self) -> None:
        assert self.lines, "a purchase of nothing"
        assert len({line.line_id for line in self.lines}) == len(self.lines), "a line is in a purchase once"

    def line(self, line_id: str) -> PurchaseLine | None:
        """Return a line, or None."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def with_line(self, changed: PurchaseLine) -> "Purchase":
        """Return the purchase with a line replaced."""
        return replace(self, lines=tuple(changed if line.line_id == changed.line_id else line for line in self.lines))

    @property
    def quantity(self) -> int:
        """How many pieces were bought."""
        return sum(line.quantity for line in self.lines)

    @property
    def handed_over(self) -> int:
        """How many pieces the customer has got: so many could come back."""
        return sum(line.handed_over for line in self.lines)
