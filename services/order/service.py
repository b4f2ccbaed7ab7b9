"""The order service, as a table: which message is answered by which decision, and what it needs to know."""

from operator import attrgetter

from services.order import store
from services.order.domain.cancel import cancel, decline, let_go
from services.order.domain.confirm import confirm
from services.order.domain.describe import describe
from services.order.domain.fall_short import fall_short
from services.order.domain.fulfil import collect, drop_short, expire, make_ready, settle
from services.order.domain.place import place, places
from services.order.domain.record_sale import record_sale
from services.order.domain.state import Location, Order
from shared.engine.service import Service, many, on, one
from shared.events.channel import OrderCancellationRequested, OrderSubmitted, SaleRecorded
from shared.events.fulfilment import (
    CancellationDeclined,
    FulfilmentCancelled,
    FulfilmentCollected,
    FulfilmentExpired,
    FulfilmentShort,
    ReadyForPickup,
)
from shared.events.inventory import HoldExpired, StockReserved, StockUnavailable
from shared.events.reference import LocationDescribed

ITS_ORDER = one("order", Order, attrgetter("order_id"))
ITS_LOCATION = one("location", Location, attrgetter("location_id"))
ITS_PLACES = many("locations", Location, places)


def order() -> Service:
    """Declare the order service."""
    return Service(
        name="order",
        metadata=store.metadata,
        rows=store.ROWS,
        handlers=(
            on(LocationDescribed, describe, ITS_LOCATION),
            on(OrderSubmitted, place, ITS_PLACES, ITS_ORDER),
            on(SaleRecorded, record_sale, ITS_ORDER),
            on(OrderCancellationRequested, cancel, ITS_ORDER),
            on(StockReserved, confirm, ITS_ORDER),
            on(StockUnavailable, fall_short, ITS_ORDER),
            on(HoldExpired, let_go, ITS_ORDER),
            on(ReadyForPickup, make_ready, ITS_ORDER),
            on(FulfilmentCollected, collect, ITS_ORDER),
            on(FulfilmentShort, drop_short, ITS_ORDER),
            on(FulfilmentExpired, expire, ITS_ORDER),
            on(FulfilmentCancelled, settle, ITS_ORDER),
            on(CancellationDeclined, decline, ITS_ORDER),
        ),
    )
