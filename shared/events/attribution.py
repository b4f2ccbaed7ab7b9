"""`tekil.attribution.v1`: what finance reads. One journal entry a recognition, with its postings in every book."""

from typing import Literal

from shared.events.channel import Channel
from shared.events.event import Currency, Event, EventId, Id, Moment, Part, Pieces, SignedMinor, Text
from shared.events.inventory import Balance

TOPIC = "tekil.attribution.v1"

Book = Literal["stock", "budget", "credit"]


class Posting(Part):
    """One amount in one account of one book. In `budget`, credit is positive: what a cost centre gains."""

    book: Book
    account: Text
    """stock: a location, customer, supplier, adjustment; budget: a cost centre or customer; credit: a location."""
    line: Text = ""
    """budget: revenue, discount, cost_of_goods, handling, stock, due_to, due_from, customer; credit: the role."""
    counterparty: Text = ""
    """budget: the funder of a discount, the other cost centre of a charge; credit: the associate who is named."""
    amount: Balance
    """Pieces in `stock`, minor units of the entry's currency elsewhere."""


class AttributionPosted(Event, type="attribution.posted", topic=TOPIC):
    """A quantity of a line became final, and this is whose stock, whose budget and whose performance it is."""

    order_id: Id
    entry_id: EventId
    line_id: Id
    sku: Id
    quantity: Pieces
    flow: Text
    channel: Channel | None = None
    currency: Currency
    net_minor: SignedMinor
    recognised_at: Moment
    period: Text
    """The month that it belongs to, as YYYY-MM."""
    policy_version: Id
    rule: Text
    postings: tuple[Posting, ...]


class StockPosted(Event, type="stock.posted", topic=TOPIC, key=("location_id", "sku")):
    """Stock moved without an order, posted in the stock book."""

    location_id: Id
    sku: Id
    entry_id: EventId
    cause: Text
    recognised_at: Moment
    postings: tuple[Posting, ...]
