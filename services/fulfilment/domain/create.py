"""An order is confirmed: stores get their tasks."""

from collections.abc import Mapping

from services.fulfilment.domain.calendar import after_open_time
from services.fulfilment.domain.deadlines import PICK_TIME, pick_deadline
from services.fulfilment.domain.state import Fulfilment, Line, Location, Task
from shared.events.fulfilment import FulfilmentCreated
from shared.events.order import OrderConfirmed, contradiction
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid, NotYet


def create(
    confirmed: OrderConfirmed, given: Given, *, locations: Mapping[str, Location], fulfilment: Fulfilment | None
) -> Answer:
    """Give every store of the order a task, to be picked within `PICK_TIME` of its open time.

    Waits for the description of a location that is not known yet. Invalid: `lines-contradict`, and
    `confirmed-otherwise` where the order has tasks for other pieces already.
    """
    if wrong := contradiction(confirmed.order_id, (line.line_id for line in confirmed.lines)):
        return wrong
    for line in confirmed.lines:
        if line.location_id not in locations:
            return NotYet(Location, line.location_id)
    if fulfilment is None:
        places = dict.fromkeys(line.location_id for line in confirmed.lines)
        return _announce(
            Fulfilment(confirmed.order_id, tuple(_task(confirmed, given, locations[place]) for place in places))
        )
    if _pieces(fulfilment) == {(line.location_id, line.line_id, line.quantity) for line in confirmed.lines}:
        return NOTHING
    return Invalid("confirmed-otherwise", f"order {confirmed.order_id} has tasks for other pieces already")


def _task(confirmed: OrderConfirmed, given: Given, location: Location) -> Task:
    lines = tuple(
        Line(line_id=line.line_id, sku=line.sku, quantity=line.quantity, to_pick=line.quantity)
        for line in confirmed.lines
        if line.location_id == location.location_id
    )
    return Task(location.location_id, lines, pick_by=after_open_time(location, given.now, PICK_TIME))


def _announce(fulfilment: Fulfilment) -> Decision:
    created = tuple(
        FulfilmentCreated(
            order_id=fulfilment.order_id,
            location_id=task.location_id,
            lines=task.task_lines(task.pieces("to_pick")),
            pick_by=task.pick_by,
        )
        for task in fulfilment.tasks
    )
    deadlines = tuple(pick_deadline(fulfilment.order_id, task.location_id, task.pick_by) for task in fulfilment.tasks)
    return Decision(rows=(fulfilment,), events=created, deadlines=deadlines)


def _pieces(fulfilment: Fulfilment) -> set[tuple[str, str, int]]:
    return {(task.location_id, line.line_id, line.quantity) for task in fulfilment.tasks for line in task.lines}
