"""What may be asked of fulfilment. Pickup codes are not kept, so none can be shown."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from services.fulfilment import store
from services.fulfilment.domain.state import Fulfilment, Status
from shared.events.event import Id
from shared.runtime.http import Problem, Reading, View

router = APIRouter(prefix="/v1", tags=["fulfilment"])


class TaskLineView(View):
    """The pieces of an order line that a store was asked for. Every piece is in one place."""

    line_id: str
    sku: str
    quantity: int
    """Pieces asked for."""
    to_pick: int
    picked: int
    """Waiting for the customer."""
    collected: int
    short: int
    """Not on the shelf."""
    cancelled: int
    expired: int
    """Nobody came for them."""


class TaskView(View):
    """What one store does for an order."""

    location_id: str
    status: Status
    """`picking`, `ready` while pieces wait for the customer, `closed` when none are left."""
    lines: tuple[TaskLineView, ...]
    pick_by: datetime
    pickup_by: datetime | None
    """Until when the pieces wait for the customer, once they are ready."""
    locked_until: datetime | None
    """No code is taken before: too many wrong ones were shown."""


class FulfilmentView(View):
    """What the stores do for an order."""

    order_id: str
    tasks: tuple[TaskView, ...]


class OpenTaskView(View):
    """A task that is not closed, and whose it is."""

    order_id: str
    task: TaskView


class OpenTasks(View):
    """The work of a store, the most urgent first."""

    tasks: tuple[OpenTaskView, ...]


@router.get("/fulfilments/{order_id:path}", summary="What the stores do for an order", response_model=FulfilmentView)
async def fulfilment(order_id: Id, connection: Reading) -> Fulfilment:
    """Return the task of every store that has one."""
    found = await store.fulfilment_of(connection, order_id)
    if found is None:
        raise Problem(
            HTTPStatus.NOT_FOUND, "order-unknown", f"No store has had anything to do for an order {order_id}."
        )
    return found


@router.get("/locations/{location_id:path}/tasks", summary="The work of a store", response_model=OpenTasks)
async def tasks(
    location_id: Id,
    connection: Reading,
    limit: Annotated[int, Query(ge=1, le=store.OPEN_TASKS_MAX)] = 50,
) -> dict[str, tuple[store.OpenTask, ...]]:
    """Return what a store has still to pick or to hand over; closed tasks are shown with their orders only.

    A store that nobody knows of has nothing to do.
    """
    found = await store.open_tasks_at(connection, location_id)
    return {"tasks": found[:limit]}
