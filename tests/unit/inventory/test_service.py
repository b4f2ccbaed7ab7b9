"""Orders on their way through the inventory service, engine and all."""

from datetime import timedelta

import pytest

from services.inventory.domain.state import HeldLine, Reservation
from shared.events.event import Event
from shared.events.inventory import HoldExpired, StockIssued, StockMoved, StockReleased, StockReserved, StockUnavailable
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.reference import SafetyStockSet
from tests.unit.inventory.desk import PARKED_MAX_AGE, Desk
from tests.unit.inventory.world import (
    MUG,
    NOON,
    UNTIL,
    because,
    cancelled,
    collected,
    held,
    lacking,
    line_of_mugs,
    mugs,
    pieces,
    placed,
    please_count,
    promise,
    ready,
    short,
    wanted,
)


@pytest.fixture
def desk() -> Desk:
    """Five mugs came in, one of them is kept back."""
    desk = Desk()
    assert desk.tell(
        StockReceived(location_id="izmir", sku="MUG", quantity=5),
        SafetyStockSet(location_id="izmir", sku="MUG", quantity=1),
    ) == [moved(5, "received", 5), promise("MUG", 5), promise("MUG", 4)]
    return desk


def moved(change: int, cause: str, on_hand: int) -> StockMoved:
    return StockMoved.model_validate(
        {
            "location_id": "izmir",
            "sku": "MUG",
            "change_quantity": change,
            "cause": cause,
            "on_hand_quantity": on_hand,
            "moved_at": NOON,
        }
    )


def reserved(*lines: tuple[str, int], order_id: str = "o-1") -> StockReserved:
    kept = tuple(pieces(line_id, "MUG", quantity) for line_id, quantity in lines)
    return StockReserved(order_id=order_id, lines=kept, hold_until=UNTIL)


def issued(line_id: str, quantity: int) -> StockIssued:
    return StockIssued(order_id="o-1", lines=(pieces(line_id, "MUG", quantity),))


def test_an_order_is_reserved_picked_and_collected(desk: Desk) -> None:
    assert desk.tell(placed(wanted("1", "MUG", 2))) == [reserved(("1", 2)), promise("MUG", 2)]
    assert desk.tell(ready(("1", "MUG", 2))) == []
    assert desk.tell(collected(("1", "MUG", 2))) == [issued("1", 2)]
    assert desk.stock == {MUG: mugs(on_hand=3, safety=1)}
    assert desk.reservations == {"o-1": held(line_of_mugs(issued=2))}
    assert [(each.change_quantity, each.cause, each.order_id, each.line_id) for each in desk.movements] == [
        (5, "received", None, None),
        (-2, "collected", "o-1", "1"),
    ]
    assert desk.wait_until(UNTIL) == []


def test_the_last_mug_is_promised_once_in_a_batch(desk: Desk) -> None:
    assert desk.tell(
        placed(wanted("1", "MUG", 4)), placed(wanted("1", "MUG", 1), order_id="o-2"), cancelled(1, line_id="1")
    ) == [
        reserved(("1", 4)),
        promise("MUG", 0),
        StockUnavailable(order_id="o-2", lines=(lacking("1", "MUG", requested=1, available=0),)),
        StockReleased(order_id="o-1", lines=(pieces("1", "MUG", 1),), reason=because("customer-request")),
        promise("MUG", 1),
    ]
    assert desk.reservations == {"o-1": held(line_of_mugs(reserved=3, released=1)), "o-2": Reservation("o-2")}
    assert desk.stock == {MUG: mugs(on_hand=5, reserved=3, safety=1)}


def test_an_order_that_comes_again_under_another_id_is_reserved_once(desk: Desk) -> None:
    order = placed(wanted("1", "MUG", 2))
    desk.tell(order)
    assert desk.tell(order) == []
    assert desk.stock[MUG].reserved == 2


def test_a_short_pick_blocks_until_the_count(desk: Desk) -> None:
    desk.tell(placed(wanted("1", "MUG", 3)))
    assert desk.tell(short(("1", "MUG", 2))) == [please_count("short_pick", 2)]
    assert desk.tell(cancelled(2, why="short-pick")) == []
    assert desk.stock == {MUG: mugs(on_hand=5, reserved=1, blocked=2, safety=1)}
    assert desk.tell(StockCounted(location_id="izmir", sku="MUG", counted_quantity=4)) == [
        moved(-1, "counted", 4),
        please_count("count_differs", 1, order_id=None),
        promise("MUG", 2),
    ]
    assert desk.stock == {MUG: mugs(on_hand=4, reserved=1, safety=1)}


def test_a_hold_that_runs_out_is_told_once_and_released_when_the_order_service_cancels(desk: Desk) -> None:
    desk.tell(placed(wanted("1", "MUG", 2)))
    assert desk.wait_until(UNTIL - timedelta(seconds=1)) == []
    assert desk.wait_until(UNTIL) == [HoldExpired(order_id="o-1", lines=(pieces("1", "MUG", 2),))]
    assert desk.wait_until(UNTIL + timedelta(days=1)) == []
    assert desk.stock[MUG].reserved == 2
    assert desk.tell(cancelled(2, why="hold-expired")) == [
        StockReleased(order_id="o-1", lines=(pieces("1", "MUG", 2),), reason=because("hold-expired")),
        promise("MUG", 4),
    ]


@pytest.mark.parametrize(
    "told", [ready(("1", "MUG", 2)), short(("1", "MUG", 2)), cancelled(2), collected(("1", "MUG", 2))]
)
def test_a_hold_ends_when_nothing_is_left_to_pick(desk: Desk, told: Event) -> None:
    desk.tell(placed(wanted("1", "MUG", 2)))
    desk.tell(told)
    assert desk.store.deadlines == {}
    assert desk.wait_until(UNTIL) == []


def test_what_fulfilment_tells_too_early_waits_for_the_order_and_keeps_its_order(desk: Desk) -> None:
    assert desk.tell(ready(("1", "MUG", 2)), collected(("1", "MUG", 2))) == []
    assert desk.tell(placed(wanted("1", "MUG", 2))) == [reserved(("1", 2)), promise("MUG", 2), issued("1", 2)]
    assert desk.reservations == {"o-1": held(line_of_mugs(issued=2))}
    assert desk.dead == []


def test_what_fulfilment_tells_of_an_order_that_never_comes_is_set_aside(desk: Desk) -> None:
    desk.tell(collected(("1", "MUG", 2)))
    assert desk.wait_until(NOON + PARKED_MAX_AGE) == []
    assert desk.dead == ["waited-too-long"]
    assert desk.stock == {MUG: mugs(on_hand=5, safety=1)}


def test_a_till_sells_what_was_reserved(desk: Desk) -> None:
    desk.tell(placed(wanted("1", "MUG", 4)))
    sale = placed(wanted("1", "MUG", 6, method="carry_out"), order_id="r-1")
    assert desk.tell(sale) == [
        StockIssued(order_id="r-1", lines=(pieces("1", "MUG", 6),)),
        please_count("sold_below_zero", 1, order_id="r-1"),
        please_count("sold_while_reserved", 4, order_id="r-1"),
    ]
    assert desk.stock == {MUG: mugs(on_hand=-1, reserved=4, safety=1)}
    assert desk.reservations["r-1"] == Reservation("r-1", (HeldLine("1", "MUG", "izmir", issued=6),))


def test_a_slip_of_the_keyboard_is_set_aside(desk: Desk) -> None:
    assert desk.tell(StockAdjusted(location_id="izmir", sku="MUG", change_quantity=500_000_000, reason="found")) == []
    assert desk.dead == ["beyond-any-stock"]
    assert desk.stock == {MUG: mugs(on_hand=5, safety=1)}


def test_it_is_known_by_its_name_and_listens_to_these_topics() -> None:
    service = Desk().store.service
    assert service.name == "inventory"
    assert service.topics == (
        "tekil.fulfilment.v1",
        "tekil.operations.v1",
        "tekil.order.v1",
        "tekil.reference.v1",
    )
