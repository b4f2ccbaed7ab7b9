"""An order is confirmed: stores get their tasks."""

from collections.abc import Callable

import pytest

from services.fulfilment.domain.create import create
from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.events.fulfilment import FulfilmentCreated
from shared.events.order import ConfirmedLine, OrderConfirmed
from shared.kernel.decision import NOTHING, Deadline, Decision, Invalid, NotYet
from tests.unit.fulfilment.examples import GALATA, KADIKOY, PICK_BY, given, line, order, picking, pieces, utc, waiting

BOTH = {"galata": GALATA, "kadikoy": KADIKOY}


def confirmed(*lines: tuple[str, int, str]) -> OrderConfirmed:
    return OrderConfirmed(
        order_id="order-1",
        lines=tuple(
            ConfirmedLine(line_id=line_id, sku=f"sku-of-{line_id}", quantity=quantity, location_id=place)
            for line_id, quantity, place in lines
        ),
    )


def test_a_store_has_two_open_hours_to_pick() -> None:
    answer = create(confirmed(("A", 3, "galata"), ("B", 1, "galata")), given(), locations=BOTH, fulfilment=None)
    assert answer == Decision(
        rows=(order(picking(line("A", to_pick=3), line("B", to_pick=1))),),
        events=(FulfilmentCreated(order_id="order-1", location_id="galata", lines=pieces(A=3, B=1), pick_by=PICK_BY),),
        deadlines=(Deadline("pick", "order-1|galata", PICK_BY),),
    )


def test_each_store_gets_its_own_lines_by_its_own_hours() -> None:
    at_night = utc("2026-03-02T20:00")
    elsewhere = Location("kadikoy", "Europe/Istanbul")
    answer = create(
        confirmed(("A", 3, "kadikoy"), ("B", 1, "galata"), ("C", 2, "kadikoy")),
        given(at_night),
        locations={"galata": GALATA, "kadikoy": elsewhere},
        fulfilment=None,
    )
    soon, tomorrow = utc("2026-03-02T22:00"), utc("2026-03-03T09:00")
    assert answer == Decision(
        rows=(
            order(
                Task("kadikoy", (line("A", to_pick=3), line("C", to_pick=2)), soon),
                Task("galata", (line("B", to_pick=1),), tomorrow),
            ),
        ),
        events=(
            FulfilmentCreated(order_id="order-1", location_id="kadikoy", lines=pieces(A=3, C=2), pick_by=soon),
            FulfilmentCreated(order_id="order-1", location_id="galata", lines=pieces(B=1), pick_by=tomorrow),
        ),
        deadlines=(Deadline("pick", "order-1|kadikoy", soon), Deadline("pick", "order-1|galata", tomorrow)),
    )


def test_it_waits_for_the_description_of_a_store() -> None:
    wish = confirmed(("A", 3, "galata"), ("B", 1, "kadikoy"))
    assert create(wish, given(), locations={"galata": GALATA}, fulfilment=None) == NotYet(Location, "kadikoy")


PICKED = order(picking(line("A", picked=3), line("B", to_pick=1)))


def test_the_same_confirmation_again_changes_nothing() -> None:
    again = confirmed(("A", 3, "galata"), ("B", 1, "galata"))
    assert create(again, given(), locations=BOTH, fulfilment=PICKED) == NOTHING


OTHERWISE = {
    "more pieces": confirmed(("A", 4, "galata"), ("B", 1, "galata")),
    "fewer lines": confirmed(("A", 3, "galata")),
    "more lines": confirmed(("A", 3, "galata"), ("B", 1, "galata"), ("C", 1, "galata")),
    "another store": confirmed(("A", 3, "galata"), ("B", 1, "kadikoy")),
}


@pytest.mark.parametrize("other", OTHERWISE.values(), ids=OTHERWISE)
def test_another_confirmation_of_the_same_order_is_invalid(other: OrderConfirmed) -> None:
    answer = create(other, given(), locations=BOTH, fulfilment=PICKED)
    assert answer == Invalid("confirmed-otherwise", "order order-1 has tasks for other pieces already")


def test_a_confirmation_without_lines_or_with_a_line_twice_is_set_aside() -> None:
    none = create(confirmed(), given(), locations=BOTH, fulfilment=None)
    assert none == Invalid("lines-contradict", "order order-1 has no lines")
    twice = create(confirmed(("A", 3, "galata"), ("A", 3, "galata")), given(), locations=BOTH, fulfilment=None)
    assert twice == Invalid("lines-contradict", "order order-1 has line A twice")


BROKEN = {
    "pieces out of nowhere": lambda: line("A", picked=2).moved(3, source="picked", target="collected"),
    "a line twice": lambda: picking(line("A", to_pick=1), line("A", to_pick=1)),
    "a store twice": lambda: order(picking(line("A", to_pick=1)), picking(line("B", to_pick=1))),
    "a line of nothing": lambda: line("A"),
    "a task of nothing": picking,
    "an order of nothing": lambda: Fulfilment("order-1", ()),
}


@pytest.mark.parametrize("build", BROKEN.values(), ids=BROKEN)
def test_illegal_states_cannot_be_built(build: Callable[[], object]) -> None:
    with pytest.raises(AssertionError):
        build()


def test_the_store_of_a_task_is_open_until_nothing_is_left_there() -> None:
    elsewhere = Task("kadikoy", (line("C", to_pick=1),), PICK_BY)
    half = order(picking(line("A", short=2)), elsewhere)
    assert half.open_at == ("kadikoy",)


def test_an_order_counts_its_pieces_over_all_stores() -> None:
    here = waiting(line("A", picked=2, collected=3, expired=6), line("B", short=4, cancelled=5))
    there = Task("kadikoy", (line("C", to_pick=1, short=10),), PICK_BY)
    both = order(here, there)
    assert (both.quantity, both.to_pick, both.picked, both.collected) == (31, 1, 2, 3)
    assert (both.short, both.cancelled, both.expired) == (14, 5, 6)
