"""The rows of attribution: what it was told of the world, the sales it follows, and the journal, which only grows."""

from datetime import datetime

from services.attribution.domain.roles import Role
from shared.events.channel import Channel, Method
from shared.events.reference import LocationKind
from shared.kernel.money import WHOLE_BP
from shared.kernel.value import Value, replace


class Location(Value):
    """A place that sells, keeps or hands over goods."""

    location_id: str
    kind: LocationKind
    region: str
    cost_centre: str
    owner_cost_centre: str
    """Who owns the stock that is kept here."""
    time_zone: str

    @property
    def owns_its_stock(self) -> bool:
        """Whether the goods on its shelves are its own."""
        return self.owner_cost_centre == self.cost_centre


class Item(Value):
    """What a sku costs its owner."""

    sku: str
    category: str
    standard_cost_minor: int
    currency: str


class Associate(Value):
    """Somebody who sells or serves."""

    associate_id: str
    location_id: str
    role: str


class Discount(Value):
    """A reduction of a line, and who pays for it."""

    funder: str
    amount_minor: int


class SaleLine(Value):
    """The facts of an order line, and how many of its pieces have become final."""

    line_id: str
    sku: str
    method: Method
    quantity: int
    net_minor: int
    discounts: tuple[Discount, ...] = ()
    recognised: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.recognised <= self.quantity, f"{self.recognised} of {self.quantity} recognised"


class Sale(Value):
    """An order, as far as the books need it."""

    order_id: str
    channel: Channel
    brand: str
    capture_location_id: str
    associate_id: str | None
    currency: str
    placed_at: datetime
    lines: tuple[SaleLine, ...]

    @property
    def quantity(self) -> int:
        """Pieces ordered."""
        return sum(line.quantity for line in self.lines)

    @property
    def recognised(self) -> int:
        """Pieces that have become final."""
        return sum(line.recognised for line in self.lines)

    def line(self, line_id: str) -> SaleLine | None:
        """Return a line of the order."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def recognising(self, line_id: str, quantity: int) -> "Sale":
        """Return the sale with more pieces of a line final."""
        return replace(
            self,
            lines=tuple(
                replace(line, recognised=line.recognised + quantity) if line.line_id == line_id else line
                for line in self.lines
            ),
        )


class Holder(Value):
    """Who played a role."""

    role: Role
    location_id: str
    associate_id: str | None
    not_credited: str | None = None
    """Whoever was named and was not described as working there when it was booked."""


class Share(Value):
    """A share of the credit, and how it came about: nothing has to be computed again to explain it."""

    role: Role
    """The role that the rule gives it to."""
    played_by: Role
    """The role whose holder gets it: another one where nobody played the first."""
    location_id: str
    associate_id: str | None
    basis_points: int
    exact_ten_thousandths: int
    """The share before rounding, in ten-thousandths of a minor unit."""
    amount_minor: int


class Entry(Value):
    """A recognition in the journal: what became final, and why its credit fell as it did."""

    entry_id: str
    cause_id: str
    """The id of the message that it follows from."""
    order_id: str
    line_id: str
    sku: str
    quantity: int
    flow: Method
    channel: Channel
    currency: str
    net_minor: int
    cost_minor: int | None
    """At standard cost; None where that is in another currency or beyond belief, and then no cost is booked."""
    recognised_at: datetime
    period: str
    policy_version: str
    rule: str
    holders: tuple[Holder, ...]
    shares: tuple[Share, ...]

    def __post_init__(self) -> None:
        assert sum(share.basis_points for share in self.shares) == WHOLE_BP, "the shares make one whole"
        assert sum(share.amount_minor for share in self.shares) == self.net_minor, "the shares make the net amount"

    @property
    def capture_location_id(self) -> str:
        """Where the order was taken."""
        return self._location_of("capture")

    @property
    def fulfil_location_id(self) -> str:
        """Whose shelf it came from."""
        return self._location_of("fulfil")

    def _location_of(self, role: Role) -> str:
        return next(holder.location_id for holder in self.holders if holder.role == role)


class EntryPosting(Value):
    """One amount in one account of one book, as `attribution.posted` tells it."""

    entry_id: str
    ordinal: int
    book: str
    account: str
    line: str
    counterparty: str
    amount: int


class StockEntry(Value):
    """Pieces that went from one stock account to another without an order: balanced by its shape."""

    entry_id: str
    cause_id: str
    sku: str
    source_account: str
    target_account: str
    quantity: int
    cause: str
    moved_at: datetime

    def __post_init__(self) -> None:
        assert self.quantity > 0, "pieces go one way"
        assert self.source_account != self.target_account, "pieces go somewhere else"
