"""What the order service knows: places, and orders whose every piece is in exactly one bucket."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from services.order.domain.refusals import SumsDoNotAddUp
from shared.events.channel import Channel, Method
from shared.events.reference import LocationKind
from shared.kernel.decision import Refused
from shared.kernel.money import part
from shared.kernel.value import Value, fields

Bucket = Literal["pending", "reserved", "ready", "collected", "cancelled"]
Status = Literal["placed", "confirmed", "ready", "partly_collected", "completed", "cancelled", "rejected"]
WhenShort = Literal["reject_order", "reject_line"]


class Location(Value):
    """A place that was described to us."""

    location_id: str
    kind: LocationKind


class Buckets(Value):
    """How many pieces of a line have come how far."""

    pending: int = 0
    """Asked of inventory, which has not answered."""
    reserved: int = 0
    """Kept for the customer; fulfilment has them in hand."""
    ready: int = 0
    """Waiting in the store."""
    collected: int = 0
    cancelled: int = 0

    def __post_init__(self) -> None:
        assert min(self.pending, self.reserved, self.ready, self.collected, self.cancelled) >= 0, self

    @property
    def open(self) -> int:
        """Pieces that are neither handed over nor cancelled."""
        return self.pending + self.reserved + self.ready

    @property
    def all(self) -> int:
        """Every piece, in whichever bucket."""
        return self.open + self.collected + self.cancelled


BUCKETS: tuple[str, ...] = fields(Buckets)


class Line(Value):
    """A line of an order: what was bought, what it costs, and where its pieces are."""

    line_id: str
    sku: str
    quantity: int
    net_minor: int
    tax_minor: int
    method: Method
    location_id: str
    """Where the customer gets it; empty only in a rejected order that named no place."""
    pieces: Buckets

    def __post_init__(self) -> None:
        assert self.pieces.all == self.quantity > 0, self

    @property
    def due_minor(self) -> int:
        """What the customer owes for the whole line."""
        return self.net_minor + self.tax_minor

    @property
    def cancelled_minor(self) -> int:
        """What the cancelled pieces cost.

        They count from the back and pieces that are handed over from the front, net and tax each for itself: so what
        is refunded and what attribution recognises sum to exactly the line, however it was rounded.
        """
        if not (cancelled := self.pieces.cancelled):
            return 0
        before = self.quantity - cancelled
        return sum(
            part(amount, whole=self.quantity, before=before, taken=cancelled)
            for amount in (self.net_minor, self.tax_minor)
        )


class Payment(Value):
    """A means of payment and what it paid."""

    method: str
    amount_minor: int


class Rejection(Value):
    """Why an order was not taken on; the line where it is about one."""

    slug: str
    sentence: str
    line_id: str | None = None

    @classmethod
    def of(cls, refusal: type[Refused], line_id: str | None = None) -> "Rejection":
        """Return the rejection that a refusal words."""
        return cls(refusal.slug, refusal.sentence, line_id)


class Order(Value):
    """An order from any channel. Its quantities, amounts and status are derived from its lines."""

    order_id: str
    channel: Channel
    brand: str
    capture_location_id: str
    associate_id: str | None
    customer_id: str | None
    currency: str
    placed_at: datetime
    """When the customer bought, by the channel's clock where that can be right."""
    digest: str
    """Of what the channel sent: tells a repetition from another order with the same id."""
    when_short: WhenShort
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    refunded_minor: int = 0
    rejections: tuple[Rejection, ...] = ()
    """Why it was rejected; empty for an order that was taken on."""

    def __post_init__(self) -> None:
        assert 0 <= self.refunded_minor <= self.owed_back_minor <= self.paid_minor, self.order_id
        if self.rejections:
            assert self.cancelled_quantity == self.ordered_quantity, self.order_id
        else:
            assert self.paid_minor == self.due_minor, self.order_id
            assert len({line.line_id for line in self.lines}) == len(self.lines), self.order_id

    def line(self, line_id: str) -> Line | None:
        """Return the line of this id, or None."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def open_lines(self) -> Iterator[Line]:
        """Yield the lines of which pieces are open."""
        return (line for line in self.lines if line.pieces.open)

    @property
    def ordered_quantity(self) -> int:
        """Pieces that were ordered: open, collected and cancelled ones."""
        return sum(line.quantity for line in self.lines)

    @property
    def open_quantity(self) -> int:
        """Pieces that are neither handed over nor cancelled."""
        return sum(line.pieces.open for line in self.lines)

    @property
    def collected_quantity(self) -> int:
        """Pieces that the customer has."""
        return sum(line.pieces.collected for line in self.lines)

    @property
    def cancelled_quantity(self) -> int:
        """Pieces that stay with us."""
        return sum(line.pieces.cancelled for line in self.lines)

    @property
    def due_minor(self) -> int:
        """What the customer owes for all lines."""
        return sum(line.due_minor for line in self.lines)

    @property
    def paid_minor(self) -> int:
        """What the tenders paid."""
        return sum(payment.amount_minor for payment in self.payments)

    @property
    def owed_back_minor(self) -> int:
        """What goes back to the customer: the price of what was cancelled; for a rejected order, all that was paid.

        Nothing where nobody can say what was paid.
        """
        if self.rejections:
            return 0 if self.sums_contradict else self.paid_minor
        return sum(line.cancelled_minor for line in self.lines)

    @property
    def sums_contradict(self) -> bool:
        """Whether it was rejected for its sums, so that the tenders that it names prove no payment."""
        return any(rejection.slug == SumsDoNotAddUp.slug for rejection in self.rejections)

    @property
    def status(self) -> Status:
        """The order in a word, for people. Decisions look at the buckets."""
        if self.rejections:
            return "rejected"
        if not self.open_quantity:
            return "completed" if self.collected_quantity else "cancelled"
        if self.collected_quantity:
            return "partly_collected"
        if all(line.pieces.ready == line.pieces.open for line in self.lines):
            return "ready"
        return "placed" if all(line.pieces.pending == line.pieces.open for line in self.lines) else "confirmed"
