"""The time of a task has passed: to pick its pieces, or to collect them."""

from services.fulfilment.domain.deadlines import Due, location_of, order_of
from services.fulfilment.domain.state import Fulfilment
from shared.events.fulfilment import FulfilmentExpired, PickOverdue
from shared.kernel.decision import NOTHING, Answer, Decision, Given


def remind(due: Due, given: Given, *, fulfilment: Fulfilment | None) -> Answer:
    """Tell once that pieces are still to be picked; the store may pick them all the same."""
    task = fulfilment and fulfilment.task_at(location_of(due))
    if not task or not task.count("to_pick"):
        return NOTHING
    lines = task.task_lines(task.pieces("to_pick"))
    return Decision(events=(PickOverdue(order_id=order_of(due), location_id=task.location_id, lines=lines),))


def expire(due: Due, given: Given, *, fulfilment: Fulfilment | None) -> Answer:
    """Let the pieces that nobody came for go back to the shelf."""
    if fulfilment is None or not (task := fulfilment.task_at(location_of(due))) or not task.count("picked"):
        return NOTHING
    waiting = task.pieces("picked")
    lines = task.task_lines(waiting)
    expired = FulfilmentExpired(order_id=fulfilment.order_id, location_id=task.location_id, lines=lines)
    left = task.moved(waiting, source="picked", target="expired")
    return Decision(rows=(fulfilment.with_task(left),), events=(expired,))
