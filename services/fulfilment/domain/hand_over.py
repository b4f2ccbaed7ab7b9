"""Staff hand over what waits to whoever shows the code."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.ready import keep_waiting
from services.fulfilment.domain.refusals import (
    AlreadyCancelled,
    AlreadyCollected,
    LineUnknown,
    MoreThanReady,
    NotReady,
    OrderUnknown,
    PickupExpired,
    TooManyWrongCodes,
    WrongCode,
    WrongStore,
)
from services.fulfilment.domain.state import Fulfilment, Task
from shared.events.event import LineQuantity, Reason
from shared.events.fulfilment import FulfilmentCollected, HandoverRefused
from shared.events.operations import PickupHandedOver
from shared.events.reasons import reason
from shared.kernel.decision import Answer, Decision, Given, NotYet, Refused

WRONG_CODES_MAX = 5
"""With so many wrong codes in a row, nothing is handed over for a while."""
LOCK_TIME = timedelta(minutes=15)


def hand_over(shown: PickupHandedOver, given: Given, *, fulfilment: Fulfilment | None, codes: PickupCodes) -> Answer:
    """Hand over the pieces asked for, or all that is ready; what is left goes on waiting.

    Waits for the order's tasks, and refuses it as unknown when they never come. Of a refused handover nothing takes
    effect, save that a wrong code counts.
    """
    if fulfilment is None:
        return NotYet(Fulfilment, shown.order_id, otherwise=_refuse(shown, given, reason(OrderUnknown)))
    task = fulfilment.task_at(shown.location_id)
    if task is None:
        return _refuse(shown, given, reason(WrongStore))
    if task.status != "ready":
        return _refuse(shown, given, reason(_why_nothing_waits(task)))
    if task.locked_until is not None and given.now < task.locked_until:
        return _refuse(shown, given, reason(TooManyWrongCodes))
    if not codes.fits(shown.code, order_id=shown.order_id, location_id=shown.location_id):
        counted = Decision(rows=(fulfilment.with_task(_with_wrong_code(task, given)),))
        return counted + _refuse(shown, given, reason(WrongCode))
    wanted = _quantities(shown.lines) or task.pieces("picked")
    refusal = _refusal(task, wanted)
    if refusal is not None:
        return _refuse(shown, given, refusal)
    left = _without(task, wanted)
    return _collected(shown, given, fulfilment.with_task(left), wanted) + keep_waiting(fulfilment, left)


def _why_nothing_waits(task: Task) -> type[Refused]:
    """Return what became of the pieces. Of several fates, the one that whoever comes last is asking about."""
    if task.status == "picking":
        return NotReady
    if task.count("expired"):
        return PickupExpired
    return AlreadyCollected if task.count("collected") else AlreadyCancelled


def _with_wrong_code(task: Task, given: Given) -> Task:
    if task.wrong_codes + 1 < WRONG_CODES_MAX:
        return replace(task, wrong_codes=task.wrong_codes + 1)
    return replace(task, wrong_codes=0, locked_until=given.now + LOCK_TIME)


def _quantities(lines: tuple[LineQuantity, ...]) -> Mapping[str, int]:
    wanted: Counter[str] = Counter()
    for line in lines:
        wanted[line.line_id] += line.quantity
    return wanted


def _refusal(task: Task, wanted: Mapping[str, int]) -> Reason | None:
    known = {line.line_id for line in task.lines}
    ready = task.pieces("picked")
    for line_id, quantity in wanted.items():
        if line_id not in known:
            return reason(LineUnknown, line_id)
        if quantity > ready.get(line_id, 0):
            return reason(MoreThanReady, line_id)
    return None


def _without(task: Task, wanted: Mapping[str, int]) -> Task:
    """Return the task without the pieces that leave; the right code wipes out the wrong ones."""
    return replace(task.moved(wanted, source="picked", target="collected"), wrong_codes=0, locked_until=None)


def _collected(shown: PickupHandedOver, given: Given, after: Fulfilment, wanted: Mapping[str, int]) -> Decision:
    collected = FulfilmentCollected(
        order_id=shown.order_id,
        location_id=shown.location_id,
        lines=after.settled_lines(shown.location_id, wanted, "collected"),
        collected_by=shown.collected_by,
        associate_id=shown.associate_id,
        collected_at=given.occurred_at,
    )
    return Decision(events=(collected,))


def _refuse(shown: PickupHandedOver, given: Given, why: Reason) -> Decision:
    refused = HandoverRefused(
        order_id=shown.order_id, location_id=shown.location_id, request_id=given.message_id, reason=why
    )
    return Decision(events=(refused,))
