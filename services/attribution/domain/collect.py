"""Pieces were handed over in a store: they are sold now, and the books say whose they were."""

from collections.abc import Mapping

from services.attribution.domain.policy import Policies, Policy, in_effect
from services.attribution.domain.recognise import Occasion, recognise
from services.attribution.domain.recognition import handed_over
from services.attribution.domain.state import Associate, Item, Location, Sale
from shared.events.fulfilment import FulfilmentCollected, news
from shared.kernel.decision import NOTHING, Answer, Given, NotYet


def collect(
    collected: FulfilmentCollected,
    given: Given,
    *,
    sale: Sale | None,
    store: Location | None,
    captures: Mapping[str, Location],
    items: Mapping[str, Item],
    associates: Mapping[str, Associate],
    sellers: Mapping[str, Associate],
    policies: Policies | None,
    shipped: Policy,
) -> Answer:
    """Book what was handed over and is not booked yet, once the sale, both places and the items are known.

    Nothing counts before its order was placed, whatever clock says so.
    """
    if sale is None:
        return NotYet(Sale, collected.order_id)
    taken = tuple(news(collected.lines, {line.line_id: line.recognised for line in sale.lines}))
    if not taken:
        return NOTHING
    capture = captures.get(sale.capture_location_id)
    if capture is None:
        return NotYet(Location, sale.capture_location_id)
    if store is None:
        return NotYet(Location, collected.location_id)
    recognised_at = max(collected.collected_at, sale.placed_at)
    return recognise(
        sale,
        taken,
        given,
        items=items,
        occasion=Occasion(
            players=handed_over(
                capture=capture,
                seller=sale.associate_id,
                store=store,
                handed_over_by=collected.associate_id,
                associates={**sellers, **associates},
            ),
            recognised_at=recognised_at,
            policy=in_effect(shipped, policies, recognised_at),
        ),
    )
