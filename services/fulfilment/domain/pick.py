"""A picker is done with some lines."""

from collections import Counter

from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.ready import keep_picking
from services.fulfilment.domain.refusals import LineUnknown, MoreThanAsked, NothingToPick, OrderUnknown, WrongLocation
from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.events.event import Reason
from shared.events.fulfilment import FulfilmentShort, PickRefused
from shared.events.operations import PickCompleted
from shared.events.reasons import reason
from shared.kernel.decision import CLOCKS_SINCE, NOTHING, Answer, Decision, Given, NotYet
from shared.kernel.value import replace


def pick(
    reported: PickCompleted,
    given: Given,
    *,
    location: Location | None,
    fulfilment: Fulfilment | None,
    codes: PickupCodes,
) -> Answer:
    """Take what was picked and what was short off what is to pick; with the last piece the task is ready.

    Waits for the order's tasks, and refuses it as unknown when they never come. Of a refused pick nothing takes effect.
    """
    if fulfilment is None:
        otherwise = _refuse(reported, given, reason(OrderUnknown))
        return NotYet(Fulfilment, reported.order_id, otherwise=otherwise)
    task = fulfilment.task_at(reported.location_id)
    if task is None:
        return _refuse(reported, given, reason(WrongLocation))
    picked, short = _counts(reported)
    refusal = _refusal(task, picked + short)
    if refusal is not None:
        return _refuse(reported, given, refusal)
    assert location is not None, "a store gets a task only once it is described"
    done = task.moved(short, source="to_pick", target="short").moved(picked, source="to_pick", target="picked")
    if done == task:
        return NOTHING
    if picked.total():
        done = replace(done, picked_at=max(task.picked_at or CLOCKS_SINCE, given.believed_at()))
    return _short(fulfilment.with_task(done), done, short) + keep_picking(
        fulfilment, done, given, location=location, codes=codes
    )


def _counts(reported: PickCompleted) -> tuple[Counter[str], Counter[str]]:
    """Return what was picked and what was short by line id; a line may be reported in several parts."""
    picked: Counter[str] = Counter()
    short: Counter[str] = Counter()
    for line in reported.lines:
        picked[line.line_id] += line.picked_quantity
        short[line.line_id] += line.short_quantity
    return picked, short


def _refusal(task: Task, reported: Counter[str]) -> Reason | None:
    to_pick = task.pieces("to_pick")
    if not to_pick:
        return reason(NothingToPick)
    known = {line.line_id for line in task.lines}
    for line_id, quantity in reported.items():
        if line_id not in known:
            return reason(LineUnknown, line_id)
        if quantity > to_pick.get(line_id, 0):
            return reason(MoreThanAsked, line_id)
    return None


def _refuse(reported: PickCompleted, given: Given, why: Reason) -> Decision:
    refused = PickRefused(
        order_id=reported.order_id, location_id=reported.location_id, request_id=given.message_id, reason=why
    )
    return Decision(events=(refused,))


def _short(after: Fulfilment, task: Task, short: Counter[str]) -> Decision:
    if not short.total():
        return NOTHING
    lines = after.settled_lines(task.location_id, short, "short")
    return Decision(events=(FulfilmentShort(order_id=after.order_id, location_id=task.location_id, lines=lines),))
