"""The order service asks what can still be cancelled."""

import pytest

from services.fulfilment.domain.cancel import cancel
from services.fulfilment.domain.state import Fulfilment, Task
from shared.events.event import LineQuantity
from shared.events.fulfilment import CancellationDeclined, FulfilmentCancelled, ReadyForPickup
from shared.events.order import CancellationAsked
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, Invalid, NotYet
from tests.unit.fulfilment.examples import (
    CODES,
    GALATA,
    PICKUP_BY,
    because,
    given,
    line,
    order,
    picking,
    pieces,
    waiting,
)

WISH = because("customer-request", "The customer asked for it.")
HOLD = because("hold-expired", "The hold ran out.")


def quantities(**pieces: int) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in pieces.items())


def asked(hold: bool = False, at: str = "galata", **pieces: int) -> CancellationAsked:
    return CancellationAsked(
        order_id="order-1",
        location_id=at,
        request_id="wish-1",
        lines=quantities(**pieces),
        reason=HOLD if hold else WISH,
    )


def decide(event: CancellationAsked, fulfilment: Fulfilment | None) -> Answer:
    return cancel(event, given(), location=GALATA, fulfilment=fulfilment, codes=CODES)


def cancelled(picked: tuple[LineQuantity, ...] = (), hold: bool = False, **pieces: int) -> FulfilmentCancelled:
    return FulfilmentCancelled(
        order_id="order-1",
        location_id="galata",
        request_id="wish-1",
        lines=quantities(**pieces),
        picked_lines=picked,
        reason=HOLD if hold else WISH,
    )


def declined(**pieces: int) -> CancellationDeclined:
    return CancellationDeclined(order_id="order-1", request_id="wish-1", lines=quantities(**pieces))


def ready(**quantities: int) -> ReadyForPickup:
    return ReadyForPickup(
        order_id="order-1",
        location_id="galata",
        lines=pieces(**quantities),
        pickup_code="TSP36D",
        pickup_by=PICKUP_BY,
    )


Events = tuple[FulfilmentCancelled | CancellationDeclined | ReadyForPickup, ...]
NO_PICK_DEADLINE = Deadline("pick", "order-1|galata", None)
PICKUP_DEADLINE = Deadline("pickup", "order-1|galata", PICKUP_BY)
NO_PICKUP_DEADLINE = Deadline("pickup", "order-1|galata", None)

CANCELLATIONS: dict[str, tuple[Task, CancellationAsked, Task, Events, tuple[Deadline, ...]]] = {
    "before picking, all": (
        picking(line("A", to_pick=3), line("B", to_pick=1)),
        asked(A=3, B=1),
        picking(line("A", cancelled=3), line("B", cancelled=1)),
        (cancelled(A=3, B=1),),
        (NO_PICK_DEADLINE,),
    ),
    "before picking, a part": (
        picking(line("A", to_pick=3), line("B", to_pick=1)),
        asked(A=2),
        picking(line("A", to_pick=1, cancelled=2), line("B", to_pick=1)),
        (cancelled(A=2),),
        (),
    ),
    "what is to pick goes before what is picked": (
        picking(line("A", to_pick=2, picked=2)),
        asked(A=3),
        waiting(line("A", picked=1, cancelled=3)),
        (cancelled(A=3, picked=quantities(A=1)), ready(A=1)),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
    "the last piece to pick: the rest is ready": (
        picking(line("A", picked=3), line("B", to_pick=1)),
        asked(B=1),
        waiting(line("A", picked=3), line("B", cancelled=1)),
        (cancelled(B=1), ready(A=3)),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
    "all, half of it picked": (
        picking(line("A", picked=3), line("B", to_pick=1)),
        asked(A=3, B=1),
        picking(line("A", cancelled=3), line("B", cancelled=1)),
        (cancelled(A=3, B=1, picked=quantities(A=3)),),
        (NO_PICK_DEADLINE,),
    ),
    "picked pieces while others are to pick": (
        picking(line("A", picked=3), line("B", to_pick=1)),
        asked(A=1),
        picking(line("A", picked=2, cancelled=1), line("B", to_pick=1)),
        (cancelled(A=1, picked=quantities(A=1)),),
        (),
    ),
    "when ready, a part": (
        waiting(line("A", picked=3)),
        asked(A=1),
        waiting(line("A", picked=2, cancelled=1)),
        (cancelled(A=1, picked=quantities(A=1)),),
        (),
    ),
    "when ready, all": (
        waiting(line("A", picked=3)),
        asked(A=3),
        waiting(line("A", cancelled=3)),
        (cancelled(A=3, picked=quantities(A=3)),),
        (NO_PICKUP_DEADLINE,),
    ),
    "what is collected is declined": (
        waiting(line("A", picked=1, collected=2), line("B", collected=1)),
        asked(A=3, B=1),
        waiting(line("A", collected=2, cancelled=1), line("B", collected=1)),
        (cancelled(A=1, picked=quantities(A=1)), declined(A=2, B=1)),
        (NO_PICKUP_DEADLINE,),
    ),
    "a hold that ran out takes what is to pick": (
        picking(line("A", to_pick=2, picked=1), line("B", to_pick=1)),
        asked(A=3, hold=True),
        picking(line("A", picked=1, cancelled=2), line("B", to_pick=1)),
        (cancelled(A=2, hold=True),),
        (),
    ),
    "a hold that ran out leaves the picked pieces ready": (
        picking(line("A", to_pick=2, picked=1)),
        asked(A=3, hold=True),
        waiting(line("A", picked=1, cancelled=2)),
        (cancelled(A=2, hold=True), ready(A=1)),
        (NO_PICK_DEADLINE, PICKUP_DEADLINE),
    ),
}


@pytest.mark.parametrize(("before", "event", "after", "events", "deadlines"), CANCELLATIONS.values(), ids=CANCELLATIONS)
def test_pieces_that_are_still_here_are_cancelled(
    before: Task, event: CancellationAsked, after: Task, events: Events, deadlines: tuple[Deadline, ...]
) -> None:
    assert decide(event, order(before)) == Decision((order(after),), events, deadlines)


GONE = {
    "collected": waiting(line("A", collected=3)),
    "expired": waiting(line("A", expired=3)),
    "short": picking(line("A", short=3)),
    "cancelled before": picking(line("A", cancelled=3)),
    "never a line of it": waiting(line("B", picked=3)),
}


@pytest.mark.parametrize("task", GONE.values(), ids=GONE)
def test_pieces_that_are_gone_are_declined(task: Task) -> None:
    assert decide(asked(A=3), order(task)) == Decision(events=(declined(A=3),))


@pytest.mark.parametrize("task", [*GONE.values(), waiting(line("A", picked=3))])
def test_a_hold_that_ran_out_too_late_changes_nothing(task: Task) -> None:
    assert decide(asked(A=3, hold=True), order(task)) == NOTHING


def test_a_store_without_a_task_declines() -> None:
    ready_in_galata = order(waiting(line("A", picked=3)))
    assert decide(asked(at="kadikoy", A=3), ready_in_galata) == Decision(events=(declined(A=3),))


def test_it_waits_for_the_order() -> None:
    assert decide(asked(A=3), None) == NotYet(Fulfilment, "order-1")


def test_a_line_that_is_asked_for_twice_is_asked_for_by_nobody_of_ours() -> None:
    twice = asked(A=3).model_copy(update={"lines": quantities(A=3) * 2})
    assert decide(twice, order(picking(line("A", to_pick=3)))) == Invalid(
        "lines-contradict", "order order-1 has line A twice"
    )
