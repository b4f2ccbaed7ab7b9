"""Fulfilment run by the engine: the same days in a store's life, in memory and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from services.fulfilment.service import fulfilment
from shared.engine.memory import MemoryStore
from shared.events.event import LineQuantity
from shared.events.fulfilment import (
    CancellationDeclined,
    FulfilmentCancelled,
    FulfilmentCollected,
    FulfilmentCreated,
    FulfilmentExpired,
    FulfilmentShort,
    HandoverRefused,
    PickOverdue,
    PickRefused,
    ReadyForPickup,
)
from shared.events.operations import PickCompleted, PickedLine, PickupHandedOver
from shared.events.order import CancellationAsked, ConfirmedLine, OrderConfirmed
from shared.events.reference import LocationDescribed, OpeningHours
from tests.unit.fulfilment.examples import GALATA, NOW, PICK_BY, PICKUP_BY, because, pieces, settled, utc
from tests.unit.fulfilment.running import PATIENCE, Running, on_postgres

SERVICE = fulfilment(pickup_secret=b"a secret of the test")


@pytest.fixture
def in_memory() -> Running:
    return Running(SERVICE, MemoryStore(SERVICE), NOW)


@pytest.fixture
async def in_postgres(database: str) -> AsyncIterator[Running]:
    async with on_postgres(SERVICE, database) as kept:
        yield Running(SERVICE, kept, NOW)


@pytest.fixture(params=["in_memory", "in_postgres"])
def store(request: pytest.FixtureRequest) -> Running:
    running = request.getfixturevalue(request.param)
    assert isinstance(running, Running)
    return running


DESCRIBED = LocationDescribed(
    location_id="galata",
    kind="store",
    name="Galata",
    brand="acme",
    cost_centre="cc-galata",
    time_zone="Europe/Istanbul",
    opening_hours=tuple(
        OpeningHours(day=each.day, opens=each.opens, closes=each.closes) for each in GALATA.opening_hours
    ),
)
CONFIRMED = OrderConfirmed(
    order_id="order-1",
    lines=(
        ConfirmedLine(line_id="A", sku="sku-of-A", quantity=3, location_id="galata"),
        ConfirmedLine(line_id="B", sku="sku-of-B", quantity=1, location_id="galata"),
    ),
)
PICKED_ALL = PickCompleted(
    order_id="order-1",
    location_id="galata",
    lines=(PickedLine(line_id="A", picked_quantity=3), PickedLine(line_id="B", picked_quantity=1)),
)
PICKED_SHORT = PickCompleted(
    order_id="order-1",
    location_id="galata",
    lines=(PickedLine(line_id="A", picked_quantity=3), PickedLine(line_id="B", picked_quantity=0, short_quantity=1)),
)
CREATED = FulfilmentCreated(order_id="order-1", location_id="galata", lines=pieces(A=3, B=1), pick_by=PICK_BY)


def ready(**quantities: int) -> ReadyForPickup:
    lines = pieces(**quantities)
    return ReadyForPickup(
        order_id="order-1", location_id="galata", lines=lines, pickup_code="TSP36D", pickup_by=PICKUP_BY
    )


def handed_over(code: str = "tsp-36d", **quantities: int) -> PickupHandedOver:
    lines = tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in quantities.items())
    return PickupHandedOver(order_id="order-1", location_id="galata", code=code, lines=lines)


def collected(at: str, *, before: int = 0, **quantities: int) -> FulfilmentCollected:
    return FulfilmentCollected(
        order_id="order-1",
        location_id="galata",
        lines=settled(before=before, **quantities),
        collected_by="customer",
        collected_at=utc(at),
    )


def refused(slug: str, sentence: str, request_id: str) -> HandoverRefused:
    reason = because(slug, sentence)
    return HandoverRefused(order_id="order-1", location_id="galata", request_id=request_id, reason=reason)


def asked_to_cancel(**quantities: int) -> CancellationAsked:
    return CancellationAsked(
        order_id="order-1",
        location_id="galata",
        request_id="wish-1",
        lines=tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in quantities.items()),
        reason=because("customer-request", "The customer asked for it."),
    )


async def test_from_confirmed_to_collected(store: Running) -> None:
    assert await store.tell(DESCRIBED, CONFIRMED) == [CREATED]
    assert await store.tell(PICKED_SHORT) == [
        FulfilmentShort(order_id="order-1", location_id="galata", lines=settled(B=1)),
        ready(A=3),
    ]
    assert await store.wait_until(utc("2026-03-04T10:00")) == []
    assert await store.tell(handed_over(A=2)) == [collected("2026-03-04T10:00", A=2)]
    assert await store.tell(handed_over()) == [collected("2026-03-04T10:00", before=2, A=1)]
    assert await store.wait_until(PICKUP_BY) == []


async def test_an_order_waits_for_the_description_of_its_store(store: Running) -> None:
    assert await store.tell(CONFIRMED) == []
    assert await store.tell(DESCRIBED) == [CREATED]


async def test_an_early_pick_and_an_early_handover_wait_for_the_order(store: Running) -> None:
    assert await store.tell(PICKED_ALL, handed_over()) == []
    assert await store.tell(DESCRIBED) == []
    assert await store.tell(CONFIRMED) == [CREATED, ready(A=3, B=1), collected("2026-03-02T09:00", A=3, B=1)]


async def test_an_order_that_never_comes_is_refused_when_patience_ends(store: Running) -> None:
    assert await store.tell(PICKED_ALL, handed_over()) == []
    unknown = "order-unknown", "No store has anything to do for this order."
    assert await store.wait_until(NOW + PATIENCE) == [
        PickRefused(order_id="order-1", location_id="galata", request_id="message-1", reason=because(*unknown)),
        refused(*unknown, request_id="message-2"),
    ]


async def test_a_cancellation_of_an_order_that_never_comes_is_set_aside(store: Running) -> None:
    assert await store.tell(asked_to_cancel(A=1)) == []
    assert await store.wait_until(NOW + PATIENCE) == ["tekil.order.v1.fulfilment.dlq: waited-too-long"]


async def test_a_late_pick_is_told_once_and_is_still_a_pick(store: Running) -> None:
    await store.tell(DESCRIBED, CONFIRMED)
    late = PickOverdue(order_id="order-1", location_id="galata", lines=pieces(A=3, B=1))
    assert await store.wait_until(PICK_BY) == [late]
    assert await store.wait_until(utc("2026-03-02T15:00")) == []
    assert await store.tell(PICKED_ALL) == [ready(A=3, B=1)]


async def test_what_nobody_collects_expires_when_the_store_closes_on_the_last_day(store: Running) -> None:
    await store.tell(DESCRIBED, CONFIRMED, PICKED_ALL)
    assert await store.wait_until(utc("2026-03-09T18:59")) == []
    expired = FulfilmentExpired(order_id="order-1", location_id="galata", lines=pieces(A=3, B=1))
    assert await store.wait_until(PICKUP_BY) == [expired]
    too_late = "pickup-expired", "The time to collect it has passed, and it went back to the shelf."
    assert await store.tell(handed_over()) == [refused(*too_late, request_id="message-4")]


async def test_five_wrong_codes_lock_out_even_the_right_one_for_a_while(store: Running) -> None:
    await store.tell(DESCRIBED, CONFIRMED, PICKED_ALL)
    wrong = "wrong-code", "The pickup code is wrong."
    locked = "too-many-wrong-codes", "Too many wrong codes were shown; please wait a quarter of an hour."
    assert await store.tell(*[handed_over("000000")] * 5, handed_over()) == [
        *[refused(*wrong, request_id=f"message-{number}") for number in range(4, 9)],
        refused(*locked, request_id="message-9"),
    ]
    await store.wait_until(utc("2026-03-02T09:15"))
    assert await store.tell(handed_over()) == [collected("2026-03-02T09:15", A=3, B=1)]


async def test_whoever_comes_first_settles_whether_a_piece_is_collected_or_cancelled(store: Running) -> None:
    await store.tell(DESCRIBED, CONFIRMED, PICKED_ALL)
    assert await store.tell(handed_over(A=2), asked_to_cancel(A=3, B=1), handed_over()) == [
        collected("2026-03-02T09:00", A=2),
        FulfilmentCancelled(
            order_id="order-1",
            location_id="galata",
            request_id="wish-1",
            lines=asked_to_cancel(A=1, B=1).lines,
            picked_lines=asked_to_cancel(A=1, B=1).lines,
            reason=because("customer-request", "The customer asked for it."),
        ),
        CancellationDeclined(order_id="order-1", request_id="wish-1", lines=asked_to_cancel(A=2).lines),
        refused("already-collected", "All of it was handed over before.", request_id="message-6"),
    ]


def test_the_code_of_a_service_is_nowhere_to_be_seen() -> None:
    assert "secret of" not in repr(SERVICE)


def test_a_short_secret_starts_no_service() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        fulfilment(pickup_secret=b"short")
