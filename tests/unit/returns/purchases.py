"""A purchase of three lines, and words to speak of it."""

from datetime import UTC, datetime

from services.returns.domain.state import Handover, Purchase, PurchaseLine
from shared.events.fulfilment import FulfilmentCollected, SettledLine
from shared.events.order import OrderPlaced, PlacedLine
from shared.kernel.decision import Given

PLACED_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
COLLECTED_AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
GIVEN = Given(now=COLLECTED_AT, occurred_at=COLLECTED_AT, source="/s", message_id="msg-1", service="returns")


def placed(*lines: PlacedLine) -> OrderPlaced:
    return OrderPlaced(
        order_id="order-1",
        channel="web",
        brand="acme",
        capture_location_id="web",
        customer_id="customer-7",
        currency="EUR",
        lines=lines,
        placed_at=PLACED_AT,
    )


SHIRTS = PlacedLine(
    line_id="shirts",
    sku="sku-shirts",
    quantity=3,
    gross_minor=1200,
    net_minor=1000,
    tax_minor=200,
    method="pickup",
    location_id="galata",
)
HAT = PlacedLine(
    line_id="hat",
    sku="sku-hat",
    quantity=1,
    gross_minor=500,
    net_minor=500,
    tax_minor=100,
    method="carry_out",
    location_id="kadikoy",
)


def shirts(*handovers: Handover) -> PurchaseLine:
    return PurchaseLine("shirts", "sku-shirts", 3, 1000, 200, handovers)


HAT_AT_HOME = PurchaseLine("hat", "sku-hat", 1, 500, 100, (Handover("kadikoy", 1, PLACED_AT),))


def purchase(*lines: PurchaseLine) -> Purchase:
    return Purchase("order-1", "customer-7", "EUR", PLACED_AT, lines)


def collected(*, at: datetime = COLLECTED_AT, so_far: int | None = None, **quantities: int) -> FulfilmentCollected:
    return FulfilmentCollected(
        order_id="order-1",
        location_id="galata",
        lines=tuple(
            SettledLine(line_id=line_id, sku=f"sku-{line_id}", quantity=quantity, so_far_quantity=so_far)
            for line_id, quantity in quantities.items()
        ),
        collected_by="customer",
        collected_at=at,
    )
