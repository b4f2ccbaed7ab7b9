"""What may be asked of the order service."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import TypeAdapter, ValidationError

from services.order import store
from services.order.domain.state import Order, Status
from shared.events.channel import Channel, Method
from shared.events.event import Id, Moment
from shared.runtime.http import Problem, Reading, View, invalid

PAGE = 50
_MOMENT = TypeAdapter(Moment)
_ID = TypeAdapter(Id)

router = APIRouter(prefix="/v1", tags=["orders"])


class PiecesView(View):
    """How many pieces of a line have come how far. Every piece is in one place."""

    pending: int
    """Asked of the stock, which has not answered."""
    reserved: int
    """Kept for the customer."""
    ready: int
    """Waiting in the store."""
    collected: int
    """With the customer."""
    cancelled: int


class LineView(View):
    """A line of an order."""

    line_id: str
    sku: str
    quantity: int
    """Pieces that were ordered."""
    net_minor: int
    """Price less discounts for the whole line, in minor units, without tax."""
    tax_minor: int
    method: Method
    """How the customer gets it."""
    location_id: str
    """Where the customer gets it."""
    pieces: PiecesView


class RejectionView(View):
    """Why an order was not taken on."""

    slug: str
    sentence: str
    line_id: str | None
    """The line, where it is about one."""


class OrderSummary(View):
    """An order at a glance."""

    order_id: str
    status: Status
    """Derived from where its pieces are."""
    channel: Channel
    capture_location_id: str
    """Where it was taken."""
    placed_at: datetime
    """By the channel's clock."""
    currency: str
    due_minor: int
    """What the customer owes for all lines, with tax, in minor units."""
    ordered_quantity: int
    open_quantity: int
    """Pieces that are neither handed over nor cancelled."""
    collected_quantity: int
    cancelled_quantity: int


class OrderView(OrderSummary):
    """An order."""

    brand: str
    associate_id: str | None
    """Who took it, where a person did."""
    customer_id: str | None
    """The channel's token of the customer."""
    paid_minor: int
    refunded_minor: int
    """What was asked to be paid back so far."""
    lines: tuple[LineView, ...]
    rejections: tuple[RejectionView, ...]
    """Empty for an order that was taken on."""


class OrderPage(View):
    """Orders of a customer, the newest first."""

    orders: tuple[OrderSummary, ...]
    next: str | None
    """Give it as `before` to get the next page; none after the last."""


@router.get("/orders/{order_id:path}", summary="One order", response_model=OrderView)
async def order(order_id: Id, connection: Reading) -> Order:
    """Return an order of any channel; a rejected one says why."""
    found = await store.order_of(connection, order_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "order-unknown", f"There is no order {order_id}.")
    return found


@router.get("/customers/{customer_id:path}/orders", summary="A customer's orders", response_model=OrderPage)
async def orders_of_customer(
    customer_id: Id,
    connection: Reading,
    before: Annotated[str | None, Query(max_length=128, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=store.HISTORY_MAX)] = PAGE,
) -> OrderPage:
    """Return what a customer ordered in whichever channel, page by page. Nobody we know of has no orders."""
    found = await store.orders_of_customer(connection, customer_id, before=_place(before), limit=limit)
    last = found[-1] if len(found) == limit else None
    return OrderPage(
        orders=tuple(OrderSummary.model_validate(each) for each in found),
        next=last and f"{last.placed_at.isoformat()}|{last.order_id}",
    )


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    """Return where a page begins. An id has no `|` in it."""
    if cursor is None:
        return None
    moment, _, order_id = cursor.partition("|")
    try:
        return _MOMENT.validate_strings(moment), _ID.validate_python(order_id)
    except ValidationError:
        raise invalid("query.before", "is not the `next` of a page") from None
