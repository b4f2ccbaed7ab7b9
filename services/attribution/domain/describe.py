"""The master data told us of a place, an item or a person. The newest description holds."""

from services.attribution.domain.state import Associate, Item, Location
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed
from shared.kernel.decision import Answer, Decision, Given


def describe_location(described: LocationDescribed, given: Given, *, location: Location | None) -> Answer:
    """Keep a location: what kind it is, and whose budget and whose stock it has."""
    return Decision(
        rows=(
            Location(
                location_id=described.location_id,
                kind=described.kind,
                region=described.region,
                cost_centre=described.cost_centre,
                owner_cost_centre=described.owner_cost_centre or described.cost_centre,
                time_zone=described.time_zone,
            ),
        )
    )


def describe_item(described: ItemDescribed, given: Given, *, item: Item | None) -> Answer:
    """Keep what an item costs."""
    return Decision(
        rows=(
            Item(
                sku=described.sku,
                category=described.category,
                standard_cost_minor=described.standard_cost_minor,
                currency=described.currency,
            ),
        )
    )


def describe_associate(described: AssociateDescribed, given: Given, *, associate: Associate | None) -> Answer:
    """Keep where somebody works."""
    return Decision(rows=(Associate(described.associate_id, described.location_id, described.role),))
