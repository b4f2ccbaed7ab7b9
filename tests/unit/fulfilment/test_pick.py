"""A picker is done with some lines."""

import pytest

from services.fulfilment.domain.pick import pick
from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.events.event import Reason
from shared.events.fulfilment import FulfilmentShort, PickRefused, ReadyForPickup
from shared.events.operations import PickCompleted, PickedLine
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, NotYet
from shared.kernel.value import replace
from tests.unit.fulfilment.examples import (
    CODES,
    GALATA,
    HAPPENED,
    NOW,
    PICK_BY,
    PICKUP_BY,
    because,
    given,
    line,
    order,
    picking,
    pieces,
    settled,
    waiting,
)

TO_PICK = picking(line("A", to_pick=3), line("B", to_pick=1))


def reported(*lines: tuple[str, int, int], at: str = "galata") -> PickCompleted:
    return PickCompleted(
        order_id="order-1",
        location_id=at,
        lines=tuple(
            PickedLine(line_id=each, picked_quantity=picked, short_quantity=short) for each, picked, short in lines
        ),
    )


def decide(event: PickCompleted, fulfilment: Fulfilment | None, location: Location | None = GALATA) -> Answer:
    return pick(event, given(NOW), location=location, fulfilment=fulfilment, codes=CODES)


def ready(**quantities: int) -> ReadyForPickup:
    return ReadyForPickup(
        order_id="order-1",
        location_id="galata",
        lines=pieces(**quantities),
        pickup_code=CODES.of(order_id="order-1", location_id="galata"),
        pickup_by=PICKUP_BY,
    )


def short(**quantities: int) -> FulfilmentShort:
    return FulfilmentShort(order_id="order-1", location_id="galata", lines=settled(**quantities))


NO_PICK_DEADLINE = Deadline("pick", "order-1|galata", None)
PICKUP_DEADLINE = Deadline("pickup", "order-1|galata", PICKUP_BY)

PICKS = {
    "everything: ready, by closing of the seventh open day": (
        TO_PICK,
        reported(("A", 3, 0), ("B", 1, 0)),
        waiting(line("A", picked=3), line("B", picked=1)),
        (ready(A=3, B=1),),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
    "a part: the rest is still to pick": (
        TO_PICK,
        reported(("A", 2, 0)),
        picking(line("A", to_pick=1, picked=2), line("B", to_pick=1)),
        (),
        (),
    ),
    "the rest: all that was ever picked is ready": (
        picking(line("A", to_pick=1, picked=2), line("B", to_pick=1)),
        reported(("B", 1, 0), ("A", 1, 0)),
        waiting(line("A", picked=3), line("B", picked=1)),
        (ready(A=3, B=1),),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
    "some short: told first, the others are ready": (
        TO_PICK,
        reported(("A", 1, 2), ("B", 0, 1)),
        waiting(line("A", picked=1, short=2), line("B", short=1)),
        (short(A=2, B=1), ready(A=1)),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
    "some short, some still to pick": (
        TO_PICK,
        reported(("A", 1, 1)),
        picking(line("A", to_pick=1, picked=1, short=1), line("B", to_pick=1)),
        (short(A=1),),
        (),
    ),
    "all short: nothing will be ready": (
        TO_PICK,
        reported(("A", 0, 3), ("B", 0, 1)),
        picking(line("A", short=3), line("B", short=1)),
        (short(A=3, B=1),),
        (NO_PICK_DEADLINE,),
    ),
    "a line in two parts": (
        TO_PICK,
        reported(("A", 1, 0), ("A", 1, 1)),
        picking(line("A", picked=2, short=1), line("B", to_pick=1)),
        (short(A=1),),
        (),
    ),
    "cancelled pieces are not ready": (
        picking(line("A", to_pick=1, cancelled=2), line("B", cancelled=1)),
        reported(("A", 1, 0)),
        waiting(line("A", picked=1, cancelled=2), line("B", cancelled=1)),
        (ready(A=1),),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
}


@pytest.mark.parametrize(("before", "event", "after", "events", "deadlines"), PICKS.values(), ids=PICKS)
def test_pieces_are_picked_or_short(
    before: Task,
    event: PickCompleted,
    after: Task,
    events: tuple[FulfilmentShort | ReadyForPickup, ...],
    deadlines: tuple[Deadline, ...],
) -> None:
    picked_at = HAPPENED if any(each.picked_quantity for each in event.lines) else None
    assert decide(event, order(before)) == Decision((order(replace(after, picked_at=picked_at)),), events, deadlines)


def test_a_handheld_that_was_late_does_not_turn_back_the_time_of_the_last_pick() -> None:
    before = replace(picking(line("A", to_pick=1, picked=2)), picked_at=NOW)
    answer = decide(reported(("A", 1, 0)), order(before))
    assert isinstance(answer, Decision)
    [row] = answer.rows
    assert isinstance(row, Fulfilment)
    assert row.tasks[0].picked_at == NOW


def test_another_store_of_the_order_goes_on_picking() -> None:
    elsewhere = Task("kadikoy", (line("C", to_pick=1),), PICK_BY)
    answer = decide(reported(("A", 3, 0), ("B", 1, 0)), order(elsewhere, TO_PICK))
    assert isinstance(answer, Decision)
    assert answer.rows == (order(elsewhere, waiting(line("A", picked=3), line("B", picked=1), picked_at=HAPPENED)),)


def test_a_report_of_nothing_changes_nothing() -> None:
    assert decide(reported(("A", 0, 0)), order(TO_PICK)) == NOTHING


def refused(reason: Reason, at: str = "galata") -> Decision:
    event = PickRefused(order_id="order-1", location_id=at, request_id="msg-1", reason=reason)
    return Decision(events=(event,))


def test_it_waits_for_the_order_and_is_refused_when_it_never_comes() -> None:
    unknown = refused(because("order-unknown", "No store has anything to do for this order."))
    assert decide(reported(("A", 1, 0)), None) == NotYet(Fulfilment, "order-1", otherwise=unknown)


def test_a_location_that_was_never_described_can_have_no_task() -> None:
    wrong = because("wrong-location", "This location has nothing to pick for this order; another one has.")
    answer = decide(reported(("A", 1, 0), at="nowhere"), order(TO_PICK), location=None)
    assert answer == refused(wrong, at="nowhere")


NOTHING_LEFT = because("nothing-to-pick", "Nothing is left to pick: it was picked, found short or cancelled before.")
TOO_MANY = "More pieces are reported than are still to be picked."
REFUSALS = {
    "a line of another order": (
        TO_PICK,
        reported(("A", 1, 0), ("Z", 1, 0)),
        because("line-unknown", "The store's task has no such line.", "Z"),
    ),
    "more than asked": (TO_PICK, reported(("A", 4, 0)), because("more-than-asked", TOO_MANY, "A")),
    "more with the short ones": (TO_PICK, reported(("A", 2, 2)), because("more-than-asked", TOO_MANY, "A")),
    "more in two parts": (TO_PICK, reported(("A", 2, 0), ("A", 2, 0)), because("more-than-asked", TOO_MANY, "A")),
    "a line that is done": (
        picking(line("A", picked=3), line("B", to_pick=1)),
        reported(("B", 1, 0), ("A", 1, 0)),
        because("more-than-asked", TOO_MANY, "A"),
    ),
    "picked before": (waiting(line("A", picked=3)), reported(("A", 3, 0)), NOTHING_LEFT),
    "short before": (picking(line("A", short=3)), reported(("A", 3, 0)), NOTHING_LEFT),
    "cancelled before": (picking(line("A", cancelled=3)), reported(("A", 3, 0)), NOTHING_LEFT),
    "collected before": (waiting(line("A", collected=3)), reported(("A", 0, 0)), NOTHING_LEFT),
}


@pytest.mark.parametrize(("before", "event", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_pick_that_does_not_fit_is_refused_as_a_whole(before: Task, event: PickCompleted, reason: Reason) -> None:
    assert decide(event, order(before)) == refused(reason)
