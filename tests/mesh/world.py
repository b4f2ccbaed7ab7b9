"""What the world outside says in the mesh tests: a web shop, two stores, staff, goods and customers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from services.fulfilment.domain.codes import PickupCodes
from shared.engine.message import Outgoing, outgoing
from shared.events.channel import (
    Discount,
    OrderCancellationRequested,
    OrderSubmitted,
    RequestedLine,
    SaleRecorded,
    SoldLine,
    Tender,
)
from shared.events.event import Event, LineQuantity
from shared.events.operations import PickCompleted, PickedLine, PickupHandedOver, StockReceived
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed
from tests.mesh.place import NOON, SETTINGS

WEB, BERLIN, IZMIR = "web", "store-berlin", "store-izmir"
STORES = (BERLIN, IZMIR)
SKUS = ("coat", "scarf", "gloves")
SOLD_OUT = "last-season"
PRICES_MINOR = {"coat": 9_990, "scarf": 2_497, "gloves": 3_333, SOLD_OUT: 1_999}
STOCK_OF_EACH = 2_000
CODES = PickupCodes(SETTINGS.pickup_secret.get_secret_value().encode())

Wish = tuple[str, int, str]
"""A sku, how many pieces of it, and the store where they are to be collected."""


def said(event: Event, event_id: str, *, at: datetime = NOON, traceparent: str = "") -> Outgoing:
    """Return an event as the world publishes it."""
    return outgoing(event, event_id=event_id, source="/world", time=at, cause_id="", traceparent=traceparent)


def reference() -> list[Outgoing]:
    """Everything described, and goods in both stores."""
    return [*map(_described, _descriptions()), *_deliveries()]


def _descriptions() -> Iterable[Event]:
    yield LocationDescribed(location_id=WEB, kind="online", name="Web shop", brand="fjord", cost_centre="cc-web")
    for store, zone in zip(STORES, ("Europe/Berlin", "Europe/Istanbul"), strict=True):
        yield LocationDescribed(
            location_id=store, kind="store", name=store, brand="fjord", cost_centre=f"cc-{store}", time_zone=zone
        )
        yield AssociateDescribed(associate_id=f"till-{store}", location_id=store, role="sales")
    for sku, price_minor in PRICES_MINOR.items():
        yield ItemDescribed(
            sku=sku, name=sku, brand="fjord", category="autumn", standard_cost_minor=price_minor // 3, currency="EUR"
        )


def _described(event: Event) -> Outgoing:
    return said(event, f"described/{event.key}")


def _deliveries() -> Iterable[Outgoing]:
    for store in STORES:
        for sku in SKUS:
            yield said(StockReceived(location_id=store, sku=sku, quantity=STOCK_OF_EACH), f"delivery/{store}/{sku}")


def submitted(
    order_id: str,
    *wishes: Wish,
    when_short: Literal["reject_order", "reject_line"] = "reject_order",
    off_minor: int = 0,
    traceparent: str = "",
) -> Outgoing:
    """An order of the web shop, to be collected; with `off_minor`, its sums are off by so much."""
    lines = tuple(
        RequestedLine(**_sold(number, sku, quantity), method="pickup", pickup_location_id=store)
        for number, (sku, quantity, store) in enumerate(wishes, start=1)
    )
    order = OrderSubmitted(
        order_id=order_id,
        channel="web",
        brand="fjord",
        capture_location_id=WEB,
        customer_id=f"customer-of-{order_id}",
        currency="EUR",
        lines=lines,
        tenders=_paid(lines, off_minor),
        when_short=when_short,
    )
    return said(order, f"{order_id}/submitted", traceparent=traceparent)


def sale(order_id: str, store: str, *goods: tuple[str, int], off_minor: int = 0) -> Outgoing:
    """What a till sold and the customer carried out."""
    lines = tuple(SoldLine(**_sold(number, *each)) for number, each in enumerate(goods, start=1))
    recorded = SaleRecorded(
        order_id=order_id,
        brand="fjord",
        capture_location_id=store,
        associate_id=f"till-{store}",
        currency="EUR",
        lines=lines,
        tenders=_paid(lines, off_minor),
    )
    return said(recorded, f"{order_id}/sold")


def _sold(number: int, sku: str, quantity: int) -> dict[str, Any]:
    gross_minor = PRICES_MINOR[sku] * quantity
    discount_minor = gross_minor // 7
    discounts = (Discount(funder="brand", promotion="autumn", amount_minor=discount_minor),) if number % 2 else ()
    net_minor = gross_minor - sum(each.amount_minor for each in discounts)
    return {
        "line_id": str(number),
        "sku": sku,
        "quantity": quantity,
        "gross_minor": gross_minor,
        "discounts": discounts,
        "net_minor": net_minor,
        "tax_minor": net_minor * 19 // 100,
    }


def _paid(lines: Sequence[SoldLine], off_minor: int) -> tuple[Tender, ...]:
    due_minor = sum(line.net_minor + line.tax_minor for line in lines) + off_minor
    return (
        Tender(method="gift_card", amount_minor=due_minor // 3),
        Tender(method="card", amount_minor=due_minor - due_minor // 3),
    )


def picked(order_id: str, store: str, *lines: tuple[str, int, int]) -> Outgoing:
    """A picker is done: of each line, so many pieces were found and so many were not."""
    told = tuple(
        PickedLine(line_id=line_id, picked_quantity=found, short_quantity=short) for line_id, found, short in lines
    )
    return said(PickCompleted(order_id=order_id, location_id=store, lines=told), f"{order_id}/{store}/picked")


def handed_over(order_id: str, store: str, *lines: tuple[str, int], code: str = "", attempt: str = "") -> Outgoing:
    """Somebody shows the code, or another one, and gets these pieces, or all."""
    shown = code or CODES.of(order_id=order_id, location_id=store)
    return said(
        PickupHandedOver(
            order_id=order_id, location_id=store, code=shown, lines=_pieces(lines), associate_id=f"till-{store}"
        ),
        f"{order_id}/{store}/handed-over{attempt}",
    )


def cancellation(order_id: str, *lines: tuple[str, int], attempt: str = "") -> Outgoing:
    """The customer wants to cancel these pieces, or all."""
    wanted = OrderCancellationRequested(order_id=order_id, channel="call_centre", lines=_pieces(lines))
    return said(wanted, f"{order_id}/cancelled{attempt}")


def _pieces(lines: Iterable[tuple[str, int]]) -> tuple[LineQuantity, ...]:
    return tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in lines)
