"""What may be asked of the inventory service."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from services.inventory import store
from services.inventory.domain.state import Cause, Movement, Reservation, Stock
from shared.events.event import Id
from shared.runtime.http import Problem, Reading, View

PAGE = 50

router = APIRouter(prefix="/v1", tags=["stock"])


class StockView(View):
    """Pieces of a sku at a location."""

    location_id: str
    sku: str
    on_hand: int
    """By the books: below zero where a till sold what they did not know of."""
    reserved: int
    """Kept for orders."""
    blocked: int
    """Not found when they were to be picked, until somebody counts."""
    safety: int
    """Kept back from promises."""
    available_to_promise: int
    """What a new order may have."""
    oversold: int
    """Reserved and blocked pieces that on hand does not cover."""


class MovementView(View):
    """A change of what is on hand."""

    movement_id: str
    change_quantity: int
    cause: Cause
    moved_at: datetime
    """When it happened, by whoever told of it."""
    message_id: str
    """The event that told of it."""
    order_id: str | None
    line_id: str | None


class Movements(View):
    """Changes of what is on hand, the newest first."""

    movements: tuple[MovementView, ...]


class HeldLineView(View):
    """Pieces of an order line at a location, by what became of them."""

    line_id: str
    sku: str
    location_id: str
    reserved: int
    """Kept for the order, on the shelf."""
    picked: int
    """Kept for the order, set aside."""
    issued: int
    """Left with the customer."""
    released: int
    """Kept no longer."""
    short: int
    """Not found when they were to be picked."""


class ReservationView(View):
    """What is held for an order."""

    order_id: str
    lines: tuple[HeldLineView, ...]


@router.get("/stock/{location_id}/{sku:path}/movements", summary="What changed a stock", response_model=Movements)
async def movements(
    location_id: Id, sku: Id, connection: Reading, limit: Annotated[int, Query(ge=1, le=store.PAGE_MAX)] = PAGE
) -> dict[str, list[Movement]]:
    """Return the latest movements of a sku at a location."""
    return {"movements": await store.movements_of_sku(connection, sku, location_id=location_id, limit=limit)}


@router.get("/stock/{location_id}/{sku:path}", summary="The stock of a sku at a location", response_model=StockView)
async def stock(location_id: Id, sku: Id, connection: Reading) -> Stock:
    """Return what is there, what of it is spoken for, and what may be promised."""
    found = await store.stock_of(connection, location_id=location_id, sku=sku)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "stock-unknown", f"Nothing is known of {sku} at {location_id}.")
    return found


@router.get("/reservations/{order_id:path}", summary="What is held for an order", response_model=ReservationView)
async def reservation(order_id: Id, connection: Reading) -> Reservation:
    """Return what is held for an order and what became of it."""
    found = await store.reservation_of(connection, order_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "order-unknown", f"Nothing was ever held for an order {order_id}.")
    return found
