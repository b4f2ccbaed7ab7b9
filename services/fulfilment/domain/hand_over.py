"""Staff hand over what waits to whoever shows the code."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

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
from services.fulfilment.domain.state import Fulfilment, Guesses, Task
from shared.events.event import LineQuantity, Reason
from shared.events.fulfilment import FulfilmentCollected, HandoverRefused, SettledLine
from shared.events.operations import PickupHandedOver
from shared.events.reasons import reason
from shared.kernel.decision import CLOCKS_SINCE, Answer, Decision, Given, NotYet, Refused
from shared.kernel.value import replace

GUESSERS_MAX = 10
"""While so many tills are known to guess, no other one may try: so the codes tried in an hour are bounded.

Whoever makes up sources can lock an order so for LOCK_TIME, and gains nothing by it. Nothing tells a made-up source
from a new till.
"""
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
    if _locked(task, given):
        return _refuse(shown, given, reason(TooManyWrongCodes))
    if not codes.fits(shown.code, order_id=shown.order_id, location_id=shown.location_id):
        counted = Decision(rows=(fulfilment.with_task(_with_wrong_code(task, given)),))
        return counted + _refuse(shown, given, reason(WrongCode))
    wanted = _quantities(shown.lines) or task.pieces("picked")
    refusal = _refusal(task, wanted)
    if refusal is not None:
        return _refuse(shown, given, refusal)
    left = _without(task, wanted)
    lines = fulfilment.with_task(left).settled_lines(shown.location_id, wanted, "collected")
    return _collected(shown, given, lines, picked_at=task.picked_at) + keep_waiting(fulfilment, left)


def _why_nothing_waits(task: Task) -> type[Refused]:
    """Return what became of the pieces. Of several fates, the one that whoever comes last is asking about."""
    if task.status == "picking":
        return NotReady
    if task.count("expired"):
        return PickupExpired
    return AlreadyCollected if task.count("collected") else AlreadyCancelled


def _remembered(task: Task, given: Given) -> dict[str, Guesses]:
    return {each.source: each for each in task.guesses if given.now < each.until}


def _locked(task: Task, given: Given) -> bool:
    guesses = _remembered(task, given)
    if given.source in guesses:
        return guesses[given.source].locked
    return len(guesses) >= GUESSERS_MAX


def _with_wrong_code(task: Task, given: Given) -> Task:
    guesses = _remembered(task, given)
    before = guesses[given.source].wrong_codes if given.source in guesses else 0
    guesses[given.source] = Guesses(given.source, before + 1, until=given.now + LOCK_TIME)
    return replace(task, guesses=tuple(guesses.values()))


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
    return replace(task.moved(wanted, source="picked", target="collected"), guesses=())


def _collected(
    shown: PickupHandedOver, given: Given, lines: tuple[SettledLine, ...], *, picked_at: datetime | None
) -> Decision:
    collected_at = given.believed_at(after=picked_at or CLOCKS_SINCE)
    collected = FulfilmentCollected(
        order_id=shown.order_id,
        location_id=shown.location_id,
        lines=lines,
        collected_by=shown.collected_by,
        associate_id=shown.associate_id,
        collected_at=collected_at,
        claimed_at=given.not_believed(collected_at),
    )
    return Decision(events=(collected,))


def _refuse(shown: PickupHandedOver, given: Given, why: Reason) -> Decision:
    refused = HandoverRefused(
        order_id=shown.order_id, location_id=shown.location_id, request_id=given.message_id, reason=why
    )
    return Decision(events=(refused,))
