"""Fulfilment, declared: which message goes to which decision, and the rows that it needs."""

from functools import partial

from services.fulfilment.domain.cancel import cancel
from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.create import create
from services.fulfilment.domain.deadlines import PICK, PICKUP, order_of
from services.fulfilment.domain.describe import describe
from services.fulfilment.domain.hand_over import hand_over
from services.fulfilment.domain.overdue import expire, remind
from services.fulfilment.domain.pick import pick
from services.fulfilment.domain.state import Fulfilment, Location
from services.fulfilment.store import ROWS, metadata
from shared.engine.service import Service, at_deadline, many, on, one
from shared.events.operations import PickCompleted, PickupHandedOver
from shared.events.order import CancellationAsked, OrderConfirmed
from shared.events.reference import LocationDescribed


def fulfilment(*, pickup_secret: bytes) -> Service:
    """Return the fulfilment service. The secret gives the pickup codes; with another one, codes told before fail.

    Raises ValueError where the secret is too short.
    """
    codes = PickupCodes(pickup_secret)
    its_location = one("location", Location, lambda event: event.location_id)
    its_locations = many("locations", Location, lambda event: [line.location_id for line in event.lines])
    its_order = one("fulfilment", Fulfilment, lambda event: event.order_id)
    order_due = one("fulfilment", Fulfilment, order_of)
    return Service(
        name="fulfilment",
        metadata=metadata,
        rows=ROWS,
        batch_interval_s=0.15,
        handlers=(
            on(LocationDescribed, describe, its_location),
            on(OrderConfirmed, create, its_locations, its_order),
            on(PickCompleted, partial(pick, codes=codes), its_location, its_order),
            on(PickupHandedOver, partial(hand_over, codes=codes), its_order),
            on(CancellationAsked, partial(cancel, codes=codes), its_location, its_order),
            at_deadline(PICK, remind, order_due),
            at_deadline(PICKUP, expire, order_due),
        ),
    )
