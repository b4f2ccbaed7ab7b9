"""The order service asks what can still be cancelled: here it is settled whether a piece is collected or cancelled."""

from collections import Counter

from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.ready import keep_picking, keep_waiting
from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.events.event import LineQuantity
from shared.events.fulfilment import CancellationDeclined, FulfilmentCancelled
from shared.events.order import CancellationAsked, contradiction
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet

HOLD_EXPIRED = "hold-expired"
"""The slug of a hold that ran out: it takes pieces that nobody picked, and asks for no more."""


def cancel(
    asked: CancellationAsked,
    given: Given,
    *,
    location: Location | None,
    fulfilment: Fulfilment | None,
    codes: PickupCodes,
) -> Answer:
    """Cancel what was asked for: first what is still to pick, then what waits. What is gone already is declined.

    With the last piece to pick cancelled, the rest of the task is ready. Waits for the order's tasks. Invalid:
    `lines-contradict`.
    """
    if wrong := contradiction(asked.order_id, (line.line_id for line in asked.lines)):
        return wrong
    if fulfilment is None:
        return NotYet(Fulfilment, asked.order_id)
    wanted = Counter({line.line_id: line.quantity for line in asked.lines})
    task = fulfilment.task_at(asked.location_id)
    if task is None:
        return _declined(asked, wanted)
    unpicked, picked = _still_here(asked, wanted, task)
    cancelled = wanted & (unpicked + picked)
    declined = _declined(asked, wanted - cancelled)
    if not cancelled:
        return declined
    left = task.moved(unpicked, source="to_pick", target="cancelled")
    left = left.moved(picked, source="picked", target="cancelled")
    told = _cancelled(asked, cancelled, picked=picked) + declined
    if task.status == "ready":
        return told + keep_waiting(fulfilment, left)
    assert location is not None, "a store gets a task only once it is described"
    return told + keep_picking(fulfilment, left, given, location=location, codes=codes)


def _still_here(asked: CancellationAsked, wanted: Counter[str], task: Task) -> tuple[Counter[str], Counter[str]]:
    """Return what of the wanted pieces is still to pick, and what more is picked and waits, by line id."""
    unpicked = wanted & Counter(task.pieces("to_pick"))
    if asked.reason.slug == HOLD_EXPIRED:
        return unpicked, Counter()
    return unpicked, (wanted - unpicked) & Counter(task.pieces("picked"))


def _cancelled(asked: CancellationAsked, quantities: Counter[str], *, picked: Counter[str]) -> Decision:
    cancelled = FulfilmentCancelled(
        order_id=asked.order_id,
        location_id=asked.location_id,
        request_id=asked.request_id,
        lines=_lines(quantities),
        picked_lines=_lines(picked),
        reason=asked.reason,
    )
    return Decision(events=(cancelled,))


def _declined(asked: CancellationAsked, gone: Counter[str]) -> Decision:
    if not gone or asked.reason.slug == HOLD_EXPIRED:
        return NOTHING
    declined = CancellationDeclined(order_id=asked.order_id, request_id=asked.request_id, lines=_lines(gone))
    return Decision(events=(declined,))


def _lines(quantities: Counter[str]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in quantities.items())
