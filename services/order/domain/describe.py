"""Describing a location."""

from services.order.domain.state import Location
from shared.events.reference import LocationDescribed
from shared.kernel.decision import NOTHING, Answer, Decision, Given


def describe(described: LocationDescribed, given: Given, *, location: Location | None) -> Answer:
    """Keep what kind of place it is: the newest description holds."""
    known = Location(described.location_id, described.kind)
    return NOTHING if known == location else Decision(rows=(known,))
