"""What may be asked of returns."""

from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter

from services.returns import store
from services.returns.domain.state import Purchase
from shared.events.event import Id
from shared.runtime.http import Problem, Reading, View

router = APIRouter(prefix="/v1", tags=["returns"])


class HandoverView(View):
    """Pieces that the customer got at one time, in one place."""

    location_id: str
    quantity: int
    at: datetime
    """The time to bring them back runs from here."""


class ReturnableLine(View):
    """A line, and what of it could be brought back."""

    line_id: str
    sku: str
    quantity: int
    """Pieces bought."""
    handed_over: int
    """Pieces that the customer has got: so many could come back."""
    handed_over_net_minor: int
    """What those cost, in minor units, without tax."""
    handed_over_tax_minor: int
    handovers: tuple[HandoverView, ...]


class Returnable(View):
    """What of an order could be brought back."""

    order_id: str
    currency: str
    placed_at: datetime
    lines: tuple[ReturnableLine, ...]


@router.get("/orders/{order_id:path}/returnable", summary="What could be brought back", response_model=Returnable)
async def returnable(order_id: Id, connection: Reading) -> Purchase:
    """Return what the customer has got of an order, for how much, where and when."""
    found = await store.purchase_of(connection, order_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "order-unknown", f"Nothing was bought in an order {order_id}.")
    return found
