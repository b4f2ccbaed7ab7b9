"""`tekil.fulfilment.v1`: what became of the work in stores, as the fulfilment service decided it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from shared.events.event import Event, EventId, Id, LineQuantity, Moment, Part, Pieces, Reason

TOPIC = "tekil.fulfilment.v1"


class TaskLine(Part):
    """Pieces of an order line in a store's task."""

    line_id: Id
    sku: Id
    quantity: Pieces


class SettledLine(TaskLine):
    """Pieces of an order line that were handed over, or missed: for good."""

    so_far_quantity: Pieces | None = None
    """To how many pieces of the line this has happened, in every store, these included.

    Whoever has noted as many has heard of these before, under whichever id.
    """


class FulfilmentCreated(Event, type="fulfilment.created", topic=TOPIC):
    """A store is to pick these pieces for collection."""

    order_id: Id
    location_id: Id
    lines: tuple[TaskLine, ...]
    pick_by: Moment
    """By the store's own opening hours."""


class PickOverdue(Event, type="pick.overdue", topic=TOPIC):
    """The time to pick has passed and pieces are still to be picked; somebody should look."""

    order_id: Id
    location_id: Id
    lines: tuple[TaskLine, ...]


class FulfilmentShort(Event, type="fulfilment.short", topic=TOPIC):
    """These pieces were not on the shelf."""

    order_id: Id
    location_id: Id
    lines: tuple[SettledLine, ...]


class PickRefused(Event, type="pick.refused", topic=TOPIC):
    """A pick that was reported does not fit the task; nothing of it took effect."""

    order_id: Id
    location_id: Id
    request_id: EventId
    reason: Reason


class ReadyForPickup(Event, type="fulfilment.ready_for_pickup", topic=TOPIC):
    """All that could be picked waits for the customer; the channel tells the code."""

    order_id: Id
    location_id: Id
    lines: tuple[TaskLine, ...]
    pickup_code: Annotated[str, Field(repr=False)]
    """What the customer, or somebody sent, shows in the store."""
    pickup_by: Moment
    """The end of the last open day on which it waits."""


class FulfilmentCollected(Event, type="fulfilment.collected", topic=TOPIC):
    """These pieces were handed over: the sale of them is final."""

    order_id: Id
    location_id: Id
    lines: tuple[SettledLine, ...]
    collected_by: Literal["customer", "someone_else"]
    associate_id: Id | None = None
    collected_at: Moment
    """When they were handed over, by the store's clock; by ours where that cannot be right."""
    claimed_at: Moment | None = None
    """What the store's clock said, where that cannot be right: before it was picked, or later than now."""


class HandoverRefused(Event, type="handover.refused", topic=TOPIC):
    """Nothing was handed over."""

    order_id: Id
    location_id: Id
    request_id: EventId
    reason: Reason


class FulfilmentExpired(Event, type="fulfilment.expired", topic=TOPIC):
    """Nobody came for these pieces in time; they go back to the shelf."""

    order_id: Id
    location_id: Id
    lines: tuple[TaskLine, ...]


class FulfilmentCancelled(Event, type="fulfilment.cancelled", topic=TOPIC):
    """These pieces will not be handed over, as the order service asked."""

    order_id: Id
    location_id: Id
    request_id: EventId
    lines: tuple[LineQuantity, ...]
    picked_lines: tuple[LineQuantity, ...] = ()
    """Those of them that had been picked and go back to the shelf."""
    reason: Reason


class CancellationDeclined(Event, type="cancellation.declined", topic=TOPIC):
    """These pieces were asked to be cancelled and are gone already."""

    order_id: Id
    request_id: EventId
    lines: tuple[LineQuantity, ...]


def news(lines: Iterable[SettledLine], noted: Mapping[str, int]) -> Iterator[TaskLine]:
    """Yield the pieces that are news to whoever has noted so many of each line, by line id.

    Of a line that does not say how many it were so far, all pieces are.
    """
    known = Counter(noted)
    for line in lines:
        so_far = known[line.line_id] + line.quantity if line.so_far_quantity is None else line.so_far_quantity
        if (quantity := min(line.quantity, so_far - known[line.line_id])) > 0:
            known[line.line_id] += quantity
            yield TaskLine(line_id=line.line_id, sku=line.sku, quantity=quantity)
