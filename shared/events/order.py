"""`tekil.order.v1`: what became of an order, as the order service decided it."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from shared.events.channel import Channel, Method, SoldLine, Tender
from shared.events.event import Currency, Event, EventId, Id, LineQuantity, Moment, Part, Pieces, Reason
from shared.kernel.decision import Invalid

TOPIC = "tekil.order.v1"

TotalMinor = Annotated[int, Field(ge=0, le=2 * 10**13)]
"""An amount in minor units over all the tenders of an order, of which there are at most twenty."""


Refund = Literal["none", "requested", "by_hand"]
"""`none`: nothing was paid; `requested`: `refund.requested` follows; `by_hand`: what was paid is not certain."""


class PlacedLine(SoldLine):
    """A line that Tekil took on, and how the customer gets it."""

    method: Method
    location_id: Id
    """Where the customer gets it: the pickup store, or the till's store for a carry-out."""


def contradiction(order_id: str, line_ids: Iterable[str]) -> Invalid | None:
    """Return why the lines of an order cannot be: there are none, or two have the same id. Tekil tells of no such."""
    times = Counter(line_ids)
    twice = [line_id for line_id, number in times.items() if number > 1]
    if times and not twice:
        return None
    return Invalid("lines-contradict", f"order {order_id} has " + (f"line {twice[0]} twice" if twice else "no lines"))


class OrderPlaced(Event, type="order.placed", topic=TOPIC):
    """The order is ours: its sums add up and its places are known. For a carry-out the goods have left already."""

    order_id: Id
    channel: Channel
    brand: Id
    capture_location_id: Id
    associate_id: Id | None = None
    customer_id: Id | None = None
    currency: Currency
    lines: tuple[PlacedLine, ...]
    tenders: tuple[Tender, ...] = ()
    when_short: Literal["reject_order", "reject_line"] = "reject_order"
    placed_at: Moment
    """When the customer bought, by the channel's clock; by ours where that cannot be right."""
    claimed_at: Moment | None = None
    """What the channel's clock said, where that cannot be right."""


class OrderRejected(Event, type="order.rejected", topic=TOPIC):
    """The order is not taken on; what was paid goes back."""

    order_id: Id
    reasons: tuple[Reason, ...]
    refund: Refund | None = None
    """Whether `refund.requested` follows; `by_hand` where the sums contradict each other: a person must look."""


class SubmissionRefused(Event, type="submission.refused", topic=TOPIC):
    """A submission took no effect, and the order of that id stays as it is."""

    order_id: Id
    request_id: EventId
    """The id of the message that submitted it."""
    reason: Reason
    refund: Refund | None = None
    """`by_hand` where the submission names a payment: only the channel knows whether it was taken a second time."""


class ConfirmedLine(Part):
    """Pieces of a line that are reserved for the customer."""

    line_id: Id
    sku: Id
    quantity: Pieces
    location_id: Id


class OrderConfirmed(Event, type="order.confirmed", topic=TOPIC):
    """These pieces are reserved: fulfilment may begin."""

    order_id: Id
    lines: tuple[ConfirmedLine, ...]


class OrderLineCancelled(Event, type="order.line_cancelled", topic=TOPIC):
    """Pieces of a line will not be delivered; the goods stay with us."""

    order_id: Id
    line_id: Id
    quantity: Pieces
    reason: Reason


class CancellationAsked(Event, type="cancellation.asked", topic=TOPIC):
    """Fulfilment has these pieces in hand and says what of them can still be cancelled."""

    order_id: Id
    location_id: Id
    """Whose task the pieces are in."""
    request_id: EventId
    """The id of the message that wanted it."""
    lines: tuple[LineQuantity, ...]
    reason: Reason


class CancellationRefused(Event, type="cancellation.refused", topic=TOPIC):
    """These pieces cannot be cancelled, or nothing can."""

    order_id: Id
    request_id: EventId
    lines: tuple[LineQuantity, ...] = ()
    reason: Reason


class RefundRequested(Event, type="refund.requested", topic=TOPIC):
    """Money goes back to the customer, over the tenders that paid, the last one first."""

    order_id: Id
    currency: Currency
    amount_minor: TotalMinor
    tenders: tuple[Tender, ...]
    reason: Reason


class OrderCompleted(Event, type="order.completed", topic=TOPIC):
    """Nothing of the order is open any more: every piece was handed over or cancelled, at least one handed over."""

    order_id: Id


class OrderCancelled(Event, type="order.cancelled", topic=TOPIC):
    """Every piece of the order was cancelled."""

    order_id: Id
