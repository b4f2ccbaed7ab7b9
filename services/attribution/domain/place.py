"""An order was placed: keep what was agreed. Nothing is earned yet, but what was carried out is final at once."""

from collections.abc import Mapping

from services.attribution.domain.policy import Policies, Policy, in_effect
from services.attribution.domain.recognise import Occasion, recognise
from services.attribution.domain.recognition import carried_out
from services.attribution.domain.state import Associate, Discount, Item, Location, Sale, SaleLine
from shared.events.order import OrderPlaced, PlacedLine, contradiction
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet


def carried_lines(placed: OrderPlaced) -> list[PlacedLine]:
    """Return the lines that the customer has carried out already."""
    return [line for line in placed.lines if line.method == "carry_out"]


def place(
    placed: OrderPlaced,
    given: Given,
    *,
    sale: Sale | None,
    store: Location | None,
    items: Mapping[str, Item],
    associates: Mapping[str, Associate],
    policies: Policies | None,
    shipped: Policy,
) -> Answer:
    """Keep the sale, and book what was carried out of the capturing store."""
    if sale is not None:
        return NOTHING
    if wrong := contradiction(placed.order_id, (line.line_id for line in placed.lines)):
        return wrong
    sale = _sale(placed)
    carried = carried_lines(placed)
    if not carried:
        return Decision(rows=(sale,))
    if store is None:
        return NotYet(Location, placed.capture_location_id)
    return recognise(
        sale,
        carried,
        given,
        items=items,
        occasion=Occasion(
            players=carried_out(store=store, seller=placed.associate_id, associates=associates),
            recognised_at=placed.placed_at,
            policy=in_effect(shipped, policies, placed.placed_at),
        ),
    )


def _sale(placed: OrderPlaced) -> Sale:
    return Sale(
        order_id=placed.order_id,
        channel=placed.channel,
        brand=placed.brand,
        capture_location_id=placed.capture_location_id,
        associate_id=placed.associate_id,
        currency=placed.currency,
        placed_at=placed.placed_at,
        lines=tuple(
            SaleLine(
                line_id=line.line_id,
                sku=line.sku,
                method=line.method,
                quantity=line.quantity,
                net_minor=line.net_minor,
                discounts=tuple(Discount(each.funder, each.amount_minor) for each in line.discounts),
            )
            for line in placed.lines
        ),
    )
