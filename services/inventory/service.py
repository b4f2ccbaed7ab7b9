"""The inventory service, as a table: which message is answered by which decision, and what it needs to know."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from operator import attrgetter

from services.inventory import store
from services.inventory.domain.holding import HOLD
from services.inventory.domain.issue import issue
from services.inventory.domain.move import adjust, count, keep_back, receive
from services.inventory.domain.pick import miss, pick
from services.inventory.domain.release import expire_hold, release
from services.inventory.domain.reserve import reserve
from services.inventory.domain.state import Reservation, Stock, StockKey
from shared.engine.service import Service, at_deadline, many, on, one
from shared.events.fulfilment import FulfilmentCollected, FulfilmentShort, ReadyForPickup
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.order import OrderLineCancelled, OrderPlaced
from shared.events.reference import SafetyStockSet


def _asked(placed: OrderPlaced) -> Iterable[StockKey]:
    return ((line.location_id, line.sku) for line in placed.lines)


def _touched(told: FulfilmentShort | FulfilmentCollected) -> Iterable[StockKey]:
    return ((told.location_id, line.sku) for line in told.lines)


def _held(reservation: Reservation) -> Iterable[StockKey]:
    return (line.stock_key for line in reservation.lines if line.held)


ITS_RESERVATION = one("reservation", Reservation, attrgetter("order_id"))
RESERVATION_DUE = one("reservation", Reservation, attrgetter("key"))
STOCK_ASKED = many("stock", Stock, _asked)
STOCK_TOUCHED = many("stock", Stock, _touched)
STOCK_HELD = many("stock", Stock, _held, of="reservation")
ITS_STOCK = one("stock", Stock, attrgetter("location_id", "sku"))


def inventory(*, hold_ttl: timedelta) -> Service:
    """Declare the inventory service. What is reserved must be picked within `hold_ttl`, or the order service hears."""
    return Service(
        name="inventory",
        metadata=store.metadata,
        rows=store.ROWS,
        handlers=(
            on(OrderPlaced, partial(reserve, hold_ttl=hold_ttl), ITS_RESERVATION, STOCK_ASKED),
            on(OrderLineCancelled, release, ITS_RESERVATION, STOCK_HELD),
            on(ReadyForPickup, pick, ITS_RESERVATION),
            on(FulfilmentShort, miss, ITS_RESERVATION, STOCK_TOUCHED),
            on(FulfilmentCollected, issue, ITS_RESERVATION, STOCK_TOUCHED),
            on(StockReceived, receive, ITS_STOCK),
            on(StockCounted, count, ITS_STOCK),
            on(StockAdjusted, adjust, ITS_STOCK),
            on(SafetyStockSet, keep_back, ITS_STOCK),
            at_deadline(HOLD, expire_hold, RESERVATION_DUE),
        ),
    )
