"""What the world tells inventory, in few words, and what inventory keeps."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from services.inventory.domain.state import HeldLine, Reservation, Stock
from shared.events.event import Reason
from shared.events.fulfilment import FulfilmentCollected, FulfilmentShort, ReadyForPickup, SettledLine
from shared.events.inventory import AvailabilityChanged, DiscrepancyKind, ShortLine, StockDiscrepancyFound, StockLine
from shared.events.order import OrderLineCancelled, OrderPlaced, PlacedLine
from shared.kernel.decision import Decision, Given

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOUGHT = NOON - timedelta(minutes=5)
HOLD_TTL = timedelta(hours=24)
UNTIL = NOON + HOLD_TTL
GIVEN = Given(now=NOON, occurred_at=BOUGHT, source="/test", message_id="m-1", service="inventory")

MUG, PEN = ("izmir", "MUG"), ("izmir", "PEN")


def mugs(*, on_hand: int = 0, reserved: int = 0, blocked: int = 0, safety: int = 0) -> Stock:
    return Stock("izmir", "MUG", on_hand=on_hand, reserved=reserved, blocked=blocked, safety=safety)


def pens(*, on_hand: int = 0, reserved: int = 0) -> Stock:
    return Stock("izmir", "PEN", on_hand=on_hand, reserved=reserved)


def line_of_mugs(
    line_id: str = "1", *, reserved: int = 0, picked: int = 0, issued: int = 0, released: int = 0, short: int = 0
) -> HeldLine:
    return HeldLine(
        line_id, "MUG", "izmir", reserved=reserved, picked=picked, issued=issued, released=released, short=short
    )


def held(*lines: HeldLine) -> Reservation:
    return Reservation("o-1", lines)


def wanted(
    line_id: str, sku: str, quantity: int, *, method: Literal["pickup", "carry_out"] = "pickup", at: str = "izmir"
) -> PlacedLine:
    return PlacedLine(
        line_id=line_id, sku=sku, quantity=quantity, gross_minor=0, net_minor=0, method=method, location_id=at
    )


def placed(
    *lines: PlacedLine, when_short: Literal["reject_order", "reject_line"] = "reject_order", order_id: str = "o-1"
) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id,
        channel="web",
        brand="brand",
        capture_location_id="web",
        currency="EUR",
        lines=lines,
        when_short=when_short,
        placed_at=BOUGHT,
    )


def cancelled(quantity: int, *, line_id: str = "1", why: str = "customer-request") -> OrderLineCancelled:
    return OrderLineCancelled(order_id="o-1", line_id=line_id, quantity=quantity, reason=because(why))


def because(why: str) -> Reason:
    return Reason(slug=why, sentence="They said so.")


def ready(*lines: tuple[str, str, int]) -> ReadyForPickup:
    return ReadyForPickup(
        order_id="o-1", location_id="izmir", lines=tasks(lines), pickup_code="ABC123", pickup_by=UNTIL
    )


def short(*lines: tuple[str, str, int], so_far: int | None = None) -> FulfilmentShort:
    return FulfilmentShort(order_id="o-1", location_id="izmir", lines=tasks(lines, so_far))


def collected(*lines: tuple[str, str, int], so_far: int | None = None) -> FulfilmentCollected:
    return FulfilmentCollected(
        order_id="o-1", location_id="izmir", lines=tasks(lines, so_far), collected_by="customer", collected_at=BOUGHT
    )


def tasks(lines: Iterable[tuple[str, str, int]], so_far: int | None = None) -> tuple[SettledLine, ...]:
    return tuple(
        SettledLine(line_id=line_id, sku=sku, quantity=quantity, so_far_quantity=so_far)
        for line_id, sku, quantity in lines
    )


def pieces(line_id: str, sku: str, quantity: int) -> StockLine:
    return StockLine(line_id=line_id, sku=sku, location_id="izmir", quantity=quantity)


def lacking(line_id: str, sku: str, *, requested: int, available: int) -> ShortLine:
    return ShortLine(
        line_id=line_id,
        sku=sku,
        location_id="izmir",
        requested_quantity=requested,
        available_quantity=available,
    )


def promise(sku: str, available: int) -> AvailabilityChanged:
    return AvailabilityChanged(location_id="izmir", sku=sku, available_to_promise=available)


def please_count(
    kind: DiscrepancyKind,
    quantity: int,
    *,
    order_id: str | None = "o-1",
) -> StockDiscrepancyFound:
    return StockDiscrepancyFound(location_id="izmir", sku="MUG", kind=kind, quantity=quantity, order_id=order_id)


def decided(answer: object) -> Decision:
    assert isinstance(answer, Decision), answer
    return answer
