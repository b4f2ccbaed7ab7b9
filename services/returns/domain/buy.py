"""An order is placed: what may come back one day."""

from services.returns.domain.state import Handover, Purchase, PurchaseLine
from shared.events.order import OrderPlaced, PlacedLine, contradiction
from shared.kernel.decision import NOTHING, Answer, Decision, Given


def buy(placed: OrderPlaced, given: Given, *, purchase: Purchase | None) -> Answer:
    """Remember what was bought and at what price. What was carried out is with the customer already."""
    if purchase is not None:
        return NOTHING
    if wrong := contradiction(placed.order_id, (line.line_id for line in placed.lines)):
        return wrong
    bought = Purchase(
        order_id=placed.order_id,
        customer_id=placed.customer_id,
        currency=placed.currency,
        placed_at=placed.placed_at,
        lines=tuple(_line(placed, line) for line in placed.lines),
    )
    return Decision(rows=(bought,))


def _line(placed: OrderPlaced, line: PlacedLine) -> PurchaseLine:
    carried_out = Handover(line.location_id, line.quantity, placed.placed_at)
    return PurchaseLine(
        line_id=line.line_id,
        sku=line.sku,
        quantity=line.quantity,
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        handovers=(carried_out,) if line.method == "carry_out" else (),
    )
