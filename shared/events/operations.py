"""`tekil.operations.v1`: what store handhelds, warehouse systems and the ERP publish."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Count, Event, Id, LineQuantity, LocationId, Part, Pieces, SignedCount, Text

TOPIC = "tekil.operations.v1"
STOCK_KEY = ("location_id", "sku")


class StockReceived(Event, type="stock.received", topic=TOPIC, key=STOCK_KEY):
    """Pieces came in from a supplier."""

    location_id: LocationId
    sku: Id
    quantity: Pieces
    document: Text = ""
    """The delivery note, for people."""


class StockCounted(Event, type="stock.counted", topic=TOPIC, key=STOCK_KEY):
    """Somebody counted what is on hand; the count is the truth."""

    location_id: LocationId
    sku: Id
    counted_quantity: Count


class StockAdjusted(Event, type="stock.adjusted", topic=TOPIC, key=STOCK_KEY):
    """Stock is more or less than the books said, for a reason: damage, theft, found."""

    location_id: LocationId
    sku: Id
    change_quantity: SignedCount
    reason: Text


class PickedLine(Part):
    """What was found of a line, and what was not."""

    line_id: Id
    picked_quantity: Count
    short_quantity: Count = 0
    """Pieces that the books promise and the shelf lacks."""


class PickCompleted(Event, type="pick.completed", topic=TOPIC):
    """The picker is done with these lines; pieces neither picked nor short are still to be picked."""

    order_id: Id
    location_id: LocationId
    lines: Annotated[tuple[PickedLine, ...], Field(min_length=1, max_length=500)]
    associate_id: Id | None = None


class PickupHandedOver(Event, type="pickup.handed_over", topic=TOPIC):
    """Staff hand ready pieces over to whoever shows the code; without lines, all that is ready."""

    order_id: Id
    location_id: LocationId
    code: Annotated[str, Field(min_length=1, max_length=20, repr=False)]
    """The pickup code that was shown."""
    collected_by: Literal["customer", "someone_else"] = "customer"
    lines: Annotated[tuple[LineQuantity, ...], Field(max_length=500)] = ()
    associate_id: Id | None = None
    """Who handed it over."""
