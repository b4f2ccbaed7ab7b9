"""Picking ends: what was picked waits for the customer, until it is collected, cancelled or too late."""

from services.fulfilment.domain.calendar import end_of_open_day
from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.deadlines import PICKUP_DAYS, pick_deadline, pickup_deadline
from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.events.fulfilment import ReadyForPickup
from shared.kernel.decision import Decision, Given
from shared.kernel.value import replace


def keep_picking(
    fulfilment: Fulfilment, task: Task, given: Given, *, location: Location, codes: PickupCodes
) -> Decision:
    """Keep a task whose picking goes on, or ends with it: then what was picked is announced as ready."""
    if task.count("to_pick"):
        return Decision(rows=(fulfilment.with_task(task),))
    picking_ends = pick_deadline(fulfilment.order_id, task.location_id, None)
    if not task.count("picked"):
        return Decision(rows=(fulfilment.with_task(task),), deadlines=(picking_ends,))
    pickup_by = end_of_open_day(location, given.now, PICKUP_DAYS)
    ready = ReadyForPickup(
        order_id=fulfilment.order_id,
        location_id=task.location_id,
        lines=task.task_lines(task.pieces("picked")),
        pickup_code=codes.of(order_id=fulfilment.order_id, location_id=task.location_id),
        pickup_by=pickup_by,
    )
    return Decision(
        rows=(fulfilment.with_task(replace(task, pickup_by=pickup_by)),),
        events=(ready,),
        deadlines=(picking_ends, pickup_deadline(fulfilment.order_id, task.location_id, pickup_by)),
    )


def keep_waiting(fulfilment: Fulfilment, task: Task) -> Decision:
    """Keep a task that was ready; once no piece waits any more, nothing can expire."""
    waiting_ends = pickup_deadline(fulfilment.order_id, task.location_id, None)
    return Decision(
        rows=(fulfilment.with_task(task),),
        deadlines=() if task.count("picked") else (waiting_ends,),
    )
