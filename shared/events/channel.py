"""`tekil.channel.v1`: what the web shop, the app, the tills, kiosks and the call centre publish."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Currency, Event, Id, LineQuantity, LocationId, Minor, Part, Pieces, Text

TOPIC = "tekil.channel.v1"

Channel = Literal["web", "app", "pos", "kiosk", "call_centre"]
Method = Literal["carry_out", "pickup", "ship", "ship_to_store"]


class Discount(Part):
    """A reduction of a line, and who pays for it."""

    funder: Id
    """Whose budget bears it: the brand, the retailer, a manufacturer."""
    promotion: Text
    amount_minor: Minor


class SoldLine(Part):
    """One line of money and pieces. `net_minor` is gross less discounts; the customer owes net and tax."""

    line_id: Id
    sku: Id
    quantity: Pieces
    gross_minor: Minor
    """List price times quantity, without tax."""
    discounts: Annotated[tuple[Discount, ...], Field(max_length=20)] = ()
    net_minor: Minor
    tax_minor: Minor = 0


class RequestedLine(SoldLine):
    """A line that the customer wants to get in one way or another."""

    method: Method = "pickup"
    pickup_location_id: LocationId | None = None
    """The store to collect in, for `pickup`."""


class Tender(Part):
    """A means of payment and what it paid."""

    method: Text
    amount_minor: Minor


class OrderSubmitted(Event, type="order.submitted", topic=TOPIC):
    """A customer ordered: the wish to buy these lines, priced and paid by the channel."""

    order_id: Id
    channel: Channel
    brand: Id
    capture_location_id: LocationId
    """Where the order was taken: the web shop is a location too."""
    associate_id: Id | None = None
    """Who took the order, where a person did."""
    customer_id: Id | None = None
    """The channel's token of the customer, never a name or an address."""
    currency: Currency
    lines: Annotated[tuple[RequestedLine, ...], Field(min_length=1, max_length=500)]
    tenders: Annotated[tuple[Tender, ...], Field(max_length=20)] = ()
    when_short: Literal["reject_order", "reject_line"] = "reject_order"
    """What to do when not all pieces can be reserved."""


class SaleRecorded(Event, type="sale.recorded", topic=TOPIC):
    """A till sold, and the customer carried it out: a fact, never refused."""

    order_id: Id
    """The receipt."""
    channel: Channel = "pos"
    brand: Id
    capture_location_id: LocationId
    """The store of the till."""
    associate_id: Id | None = None
    customer_id: Id | None = None
    currency: Currency
    lines: Annotated[tuple[SoldLine, ...], Field(min_length=1, max_length=500)]
    tenders: Annotated[tuple[Tender, ...], Field(max_length=20)] = ()


class OrderCancellationRequested(Event, type="order.cancellation_requested", topic=TOPIC):
    """Somebody wants to cancel these pieces of an order, or without lines all that has not been handed over."""

    order_id: Id
    channel: Channel
    lines: Annotated[tuple[LineQuantity, ...], Field(max_length=500)] = ()
    requested_by: Literal["customer", "associate"] = "customer"
