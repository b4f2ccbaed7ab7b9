"""The time of a task has passed."""

import pytest

from services.fulfilment.domain.overdue import expire, remind
from services.fulfilment.domain.state import Fulfilment
from shared.engine.message import Due
from shared.events.fulfilment import FulfilmentExpired, PickOverdue
from shared.kernel.decision import NOTHING, Decision
from tests.unit.fulfilment.examples import given, line, order, picking, pieces, waiting

PICK = Due("pick", "order-1|galata")
PICKUP = Due("pickup", "order-1|galata")


def test_somebody_is_told_what_is_still_to_pick() -> None:
    late = order(picking(line("A", to_pick=1, picked=2), line("B", picked=1)))
    told = PickOverdue(order_id="order-1", location_id="galata", lines=pieces(A=1))
    assert remind(PICK, given(), fulfilment=late) == Decision(events=(told,))


def test_what_nobody_came_for_expires() -> None:
    late = order(waiting(line("A", picked=1, collected=2), line("B", picked=1)))
    left = order(waiting(line("A", expired=1, collected=2), line("B", expired=1)))
    told = FulfilmentExpired(order_id="order-1", location_id="galata", lines=pieces(A=1, B=1))
    assert expire(PICKUP, given(), fulfilment=late) == Decision(rows=(left,), events=(told,))


DONE = {
    "collected": order(waiting(line("A", collected=3))),
    "cancelled": order(waiting(line("A", cancelled=3))),
    "expired before": order(waiting(line("A", expired=3))),
    "no such order": None,
}


@pytest.mark.parametrize("fulfilment", DONE.values(), ids=DONE)
def test_a_deadline_that_nothing_waits_for_changes_nothing(fulfilment: Fulfilment | None) -> None:
    assert remind(PICK, given(), fulfilment=fulfilment) == NOTHING
    assert expire(PICKUP, given(), fulfilment=fulfilment) == NOTHING


def test_a_deadline_is_about_one_store() -> None:
    here = order(picking(line("A", to_pick=3)))
    assert remind(Due("pick", "order-1|kadikoy"), given(), fulfilment=here) == NOTHING
