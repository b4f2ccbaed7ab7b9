"""What people do about an order, each habit by itself."""

from datetime import timedelta

import pytest

from services.replay.habits import Chance, Habits
from services.replay.purchase import associates
from services.replay.staff import GOES_ON_AFTER, WRONG_CODE, People
from shared.events.channel import OrderCancellationRequested
from shared.events.event import LineQuantity
from shared.events.fulfilment import FulfilmentCreated, ReadyForPickup, TaskLine
from shared.events.operations import PickCompleted, PickedLine, PickupHandedOver
from tests.unit.replay.baskets import BOUGHT_AT

ALWAYS = 10_000
MILK = TaskLine(line_id="1", sku="sku-1001", quantity=2)
BREAD = TaskLine(line_id="2", sku="sku-1002", quantity=1)
CREATED = FulfilmentCreated(order_id="cj-1-9", location_id="store-408", lines=(MILK, BREAD), pick_by=BOUGHT_AT)
READY = ReadyForPickup(
    order_id="cj-1-9", location_id="store-408", lines=(MILK, BREAD), pickup_code="7K2PXQ", pickup_by=BOUGHT_AT
)
NO_HABITS = {
    "short_on_shelf": 0,
    "calls_off_early": 0,
    "calls_off_late": 0,
    "never_comes": 0,
    "wrong_code": 0,
    "comes_twice": 0,
    "sends_someone": 0,
}


def people(**habits: int) -> People:
    return People(Chance(1), Habits(**{**NO_HABITS, **habits}))


def visits(people: People, ready: ReadyForPickup = READY) -> list[PickupHandedOver]:
    events = [said.event for said in people.on_ready(ready, BOUGHT_AT)]
    return [event for event in events if isinstance(event, PickupHandedOver)]


def test_somebody_of_the_store_picks_all() -> None:
    said = people().on_created(CREATED, BOUGHT_AT)
    picked = said.event
    assert isinstance(picked, PickCompleted)
    assert picked.lines == (PickedLine(line_id="1", picked_quantity=2), PickedLine(line_id="2", picked_quantity=1))
    assert picked.associate_id in associates("store-408", Chance(1))
    assert said.source == "/replay/handheld/408"
    assert timedelta(minutes=20) <= said.at - BOUGHT_AT < timedelta(minutes=90)


def test_a_picker_misses_one_piece() -> None:
    picked = people(short_on_shelf=ALWAYS).on_created(CREATED, BOUGHT_AT).event
    assert isinstance(picked, PickCompleted)
    assert sum(line.short_quantity for line in picked.lines) == 1
    assert sum(line.picked_quantity for line in picked.lines) == 2


def test_a_customer_calls_off_before_it_is_picked() -> None:
    said = people(calls_off_early=ALWAYS).on_created(CREATED, BOUGHT_AT)
    assert said.event == OrderCancellationRequested(order_id="cj-1-9", channel="web")
    assert said.at == BOUGHT_AT + timedelta(minutes=10)


def test_a_customer_calls_off_when_it_waits() -> None:
    (said,) = people(calls_off_late=ALWAYS).on_ready(READY, BOUGHT_AT)
    assert said.event == OrderCancellationRequested(order_id="cj-1-9", channel="web")


def test_the_customer_takes_all_with_the_code() -> None:
    (visit,) = visits(people())
    assert (visit.code, visit.lines, visit.collected_by) == ("7K2PXQ", (), "customer")


def test_somebody_else_comes() -> None:
    (visit,) = visits(people(sends_someone=ALWAYS))
    assert visit.collected_by == "someone_else"


def test_nobody_comes() -> None:
    assert people(never_comes=ALWAYS).on_ready(READY, BOUGHT_AT) == ()


def test_the_right_code_follows_a_wrong_one() -> None:
    said = people(wrong_code=ALWAYS).on_ready(READY, BOUGHT_AT)
    assert [visit.code for visit in visits(people(wrong_code=ALWAYS))] == [WRONG_CODE, "7K2PXQ"]
    assert said[1].at - said[0].at == GOES_ON_AFTER


def test_a_piece_is_taken_first_and_the_rest_later() -> None:
    first, rest = visits(people(comes_twice=ALWAYS))
    assert (first.lines, rest.lines) == ((LineQuantity(line_id="1", quantity=1),), ())


def test_a_single_piece_is_not_taken_twice() -> None:
    single = READY.model_copy(update={"lines": (BREAD,)})
    assert len(visits(people(comes_twice=ALWAYS), single)) == 1


@pytest.mark.parametrize("habit", NO_HABITS)
def test_habits_are_kept_about_as_often_as_they_say(habit: str) -> None:
    chance, often = Chance(1), getattr(Habits(), habit)
    kept = sum(chance.happens(often, habit, number) for number in range(10_000))
    assert abs(kept - often) < 4 * often**0.5
