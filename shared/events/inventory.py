"""`tekil.inventory.v1` and `tekil.availability.v1`: what became of stock, as the inventory service decided it."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Count, Event, Id, Moment, Part, Pieces, Reason

TOPIC = "tekil.inventory.v1"
AVAILABILITY_TOPIC = "tekil.availability.v1"
STOCK_KEY = ("location_id", "sku")
EXACT_MAX = 2**53 - 1
"""The largest number that every reader of JSON holds exactly."""
Balance = Annotated[int, Field(ge=-EXACT_MAX, le=EXACT_MAX)]
"""Pieces by the books. Tills sell what the books do not know of, so there is no telling how far below zero it goes."""


class StockLine(Part):
    """Pieces of an order line at a location."""

    line_id: Id
    sku: Id
    location_id: Id
    quantity: Pieces


class StockReserved(Event, type="stock.reserved", topic=TOPIC):
    """These pieces are kept for the order until `hold_until`, or until they are picked."""

    order_id: Id
    lines: tuple[StockLine, ...]
    hold_until: Moment


class ShortLine(Part):
    """A line that could not be reserved in full."""

    line_id: Id
    sku: Id
    location_id: Id
    requested_quantity: Pieces
    available_quantity: Count


class StockUnavailable(Event, type="stock.unavailable", topic=TOPIC):
    """Nothing is reserved of these lines: their stock is short."""

    order_id: Id
    lines: tuple[ShortLine, ...]


class HoldExpired(Event, type="hold.expired", topic=TOPIC):
    """The hold ran out before these pieces were picked; the order service decides what becomes of them."""

    order_id: Id
    lines: tuple[StockLine, ...]


class StockReleased(Event, type="stock.released", topic=TOPIC):
    """These pieces are kept for the order no longer."""

    order_id: Id
    lines: tuple[StockLine, ...]
    reason: Reason


class StockIssued(Event, type="stock.issued", topic=TOPIC):
    """These pieces left the location with the customer."""

    order_id: Id
    lines: tuple[StockLine, ...]


class StockMoved(Event, type="stock.moved", topic=TOPIC, key=STOCK_KEY):
    """Stock on hand changed without an order: by a delivery, a count or an adjustment."""

    location_id: Id
    sku: Id
    change_quantity: Balance
    cause: Literal["received", "counted", "adjusted"]
    on_hand_quantity: Balance
    """What is on hand after it."""
    moved_at: Moment


DiscrepancyKind = Literal[
    "sold_below_zero",
    "adjusted_below_zero",
    "sold_while_reserved",
    "adjusted_while_reserved",
    "short_pick",
    "count_differs",
    "more_than_kept",
]


class StockDiscrepancyFound(Event, type="stock.discrepancy_found", topic=TOPIC, key=STOCK_KEY):
    """The books and the shelf disagree: please count."""

    location_id: Id
    sku: Id
    kind: DiscrepancyKind
    """How somebody noticed; `more_than_kept`: fulfilment tells of pieces that were not kept for the order."""
    quantity: Annotated[int, Field(ge=1, le=EXACT_MAX)]
    """By how many pieces: a count may differ by more than any one order buys."""
    order_id: Id | None = None


class AvailabilityChanged(Event, type="availability.changed", topic=AVAILABILITY_TOPIC, key=STOCK_KEY):
    """How many pieces may be promised to new orders: on hand, less reserved, blocked and safety stock."""

    location_id: Id
    sku: Id
    available_to_promise: Count
