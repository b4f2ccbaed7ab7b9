"""Following fulfilment: ready, collected, short, expired, cancelled."""

from collections.abc import Callable
from typing import Any

import pytest

from services.order.domain import causes
from services.order.domain.fulfil import collect, drop_short, expire, make_ready, settle
from services.order.domain.state import Buckets, Order, Status
from shared.events.event import Event
from shared.events.fulfilment import (
    FulfilmentCancelled,
    FulfilmentCollected,
    FulfilmentExpired,
    FulfilmentShort,
    ReadyForPickup,
    SettledLine,
    TaskLine,
)
from shared.events.order import OrderCancelled, OrderCompleted
from shared.kernel.decision import NOTHING, Answer, Decision, NotYet
from tests.unit.order.orders import BOUGHT_AT, GIVEN, cancelled, line, order, pieces, refund, some, the_order, why

IN_MODA: dict[str, Any] = {"order_id": "order-1", "location_id": "moda"}
COMPLETED = OrderCompleted(order_id="order-1")
CANCELLED = OrderCancelled(order_id="order-1")


def tasks(quantities: dict[str, int]) -> tuple[TaskLine, ...]:
    return tuple(TaskLine(line_id=key, sku=f"sku-{key}", quantity=value) for key, value in quantities.items())


def settled(quantities: dict[str, int], so_far: int | None = None) -> tuple[SettledLine, ...]:
    return tuple(
        SettledLine(line_id=key, sku=f"sku-{key}", quantity=value, so_far_quantity=so_far)
        for key, value in quantities.items()
    )


def ready(**quantities: int) -> ReadyForPickup:
    return ReadyForPickup(**IN_MODA, lines=tasks(quantities), pickup_code="KX7M2P", pickup_by=BOUGHT_AT)


def collected(*, so_far: int | None = None, **quantities: int) -> FulfilmentCollected:
    return FulfilmentCollected(
        **IN_MODA, lines=settled(quantities, so_far), collected_by="customer", collected_at=BOUGHT_AT
    )


def short(**quantities: int) -> FulfilmentShort:
    return FulfilmentShort(**IN_MODA, lines=settled(quantities))


def expired(**quantities: int) -> FulfilmentExpired:
    return FulfilmentExpired(**IN_MODA, lines=tasks(quantities))


def given_up(**quantities: int) -> FulfilmentCancelled:
    lines = tuple(some(key, value) for key, value in quantities.items())
    return FulfilmentCancelled(
        order_id="order-1",
        location_id="moda",
        request_id="request-7",
        lines=lines,
        reason=why(causes.AssociateRequest),
    )


Decide = Callable[..., Answer]
Case = tuple[Decide, Event, Order, tuple[Event, ...], dict[str, Buckets], Status]

CASES: dict[str, Case] = {
    "all is ready": (
        make_ready,
        ready(a=2, b=1),
        order(line("a", reserved=2), line("b", reserved=1)),
        (),
        {"a": Buckets(ready=2), "b": Buckets(ready=1)},
        "ready",
    ),
    "one store is ready, the other still picks": (
        make_ready,
        ready(a=2),
        order(line("a", reserved=2), line("b", reserved=1, at="kadikoy")),
        (),
        {"a": Buckets(ready=2), "b": Buckets(reserved=1)},
        "confirmed",
    ),
    "some is collected": (
        collect,
        collected(a=1),
        order(line("a", ready=2)),
        (),
        {"a": Buckets(ready=1, collected=1)},
        "partly_collected",
    ),
    "the last piece is collected": (
        collect,
        collected(a=1, b=1),
        order(line("a", ready=1, collected=1), line("b", ready=1)),
        (COMPLETED,),
        {"a": Buckets(collected=2), "b": Buckets(collected=1)},
        "completed",
    ),
    "all that was not cancelled is collected": (
        collect,
        collected(a=1),
        order(line("a", ready=1, cancelled=1)),
        (COMPLETED,),
        {"a": Buckets(collected=1, cancelled=1)},
        "completed",
    ),
    "one of three was not on the shelf": (
        drop_short,
        short(a=1),
        order(line("a", reserved=3, net=1000, tax=200)),
        (cancelled("a", 1, causes.ShortPick), refund(401, causes.ShortPick)),
        {"a": Buckets(reserved=2, cancelled=1)},
        "confirmed",
    ),
    "nothing was on the shelf": (
        drop_short,
        short(a=2, b=1),
        order(line("a", reserved=2), line("b", reserved=1)),
        (
            cancelled("a", 2, causes.ShortPick),
            cancelled("b", 1, causes.ShortPick),
            refund(4800, causes.ShortPick),
            CANCELLED,
        ),
        {"a": Buckets(cancelled=2), "b": Buckets(cancelled=1)},
        "cancelled",
    ),
    "nobody came": (
        expire,
        expired(a=2),
        order(line("a", ready=2)),
        (cancelled("a", 2, causes.NotCollected), refund(2400, causes.NotCollected), CANCELLED),
        {"a": Buckets(cancelled=2)},
        "cancelled",
    ),
    "nobody came for the rest": (
        expire,
        expired(a=1),
        order(line("a", ready=1, collected=1)),
        (cancelled("a", 1, causes.NotCollected), refund(1200, causes.NotCollected), COMPLETED),
        {"a": Buckets(collected=1, cancelled=1)},
        "completed",
    ),
    "given up before picking, for the reason that we gave": (
        settle,
        given_up(a=1),
        order(line("a", reserved=2)),
        (cancelled("a", 1, causes.AssociateRequest), refund(1200, causes.AssociateRequest)),
        {"a": Buckets(reserved=1, cancelled=1)},
        "confirmed",
    ),
    "given up, those first that nobody picked yet": (
        settle,
        given_up(a=2),
        order(line("a", reserved=1, ready=2)),
        (cancelled("a", 2, causes.AssociateRequest), refund(1334 + 267, causes.AssociateRequest)),
        {"a": Buckets(ready=1, cancelled=2)},
        "ready",
    ),
    "given up when it was ready": (
        settle,
        given_up(a=2, b=1),
        order(line("a", ready=2), line("b", ready=1, collected=1)),
        (
            cancelled("a", 2, causes.AssociateRequest),
            cancelled("b", 1, causes.AssociateRequest),
            refund(3600, causes.AssociateRequest),
            COMPLETED,
        ),
        {"a": Buckets(cancelled=2), "b": Buckets(collected=1, cancelled=1)},
        "completed",
    ),
}


@pytest.mark.parametrize(("decide", "event", "known", "events", "after", "status"), CASES.values(), ids=CASES)
def test_the_order_follows(
    decide: Decide,
    event: Event,
    known: Order,
    events: tuple[Event, ...],
    after: dict[str, Buckets],
    status: Status,
) -> None:
    decision = decide(event, GIVEN, order=known)
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=events)
    assert pieces(row) == after
    assert row.status == status


ENDED = {
    "completed": order(line("a", collected=2)),
    "cancelled": order(line("a", cancelled=2)),
    "without such a line": order(line("other", reserved=1, ready=1)),
}
EVERY = {
    "ready": (make_ready, ready(a=1)),
    "collected": (collect, collected(a=1)),
    "short": (drop_short, short(a=1)),
    "expired": (expire, expired(a=1)),
    "given up": (settle, given_up(a=1)),
}


@pytest.mark.parametrize("known", ENDED.values(), ids=ENDED)
@pytest.mark.parametrize(("decide", "event"), EVERY.values(), ids=EVERY)
def test_a_late_word_about_pieces_that_are_gone_changes_nothing(decide: Decide, event: Event, known: Order) -> None:
    assert decide(event, GIVEN, order=known) == NOTHING


def test_a_handover_told_again_under_a_new_id_is_no_news() -> None:
    half = order(line("a", ready=2, collected=2))
    assert collect(collected(so_far=2, a=2), GIVEN, order=half) == NOTHING
    third = order(line("a", ready=1, collected=3))
    assert collect(collected(so_far=3, a=2), GIVEN, order=half) == Decision(rows=(third,))


def test_what_is_ready_cannot_be_short_and_what_is_not_ready_can_neither_be_collected_nor_expire() -> None:
    assert collect(collected(a=1), GIVEN, order=order(line("a", reserved=2))) == NOTHING
    assert drop_short(short(a=1), GIVEN, order=order(line("a", ready=2))) == NOTHING
    assert expire(expired(a=1), GIVEN, order=order(line("a", reserved=2))) == NOTHING


@pytest.mark.parametrize(("decide", "event"), EVERY.values(), ids=EVERY)
def test_it_waits_for_its_order(decide: Decide, event: Event) -> None:
    assert decide(event, GIVEN, order=None) == NotYet(Order, "order-1")
