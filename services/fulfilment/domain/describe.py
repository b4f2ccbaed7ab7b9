"""A location is described."""

from services.fulfilment.domain.state import Location, OpenInterval
from shared.events.reference import LocationDescribed
from shared.kernel.decision import NOTHING, Answer, Decision, Given


def describe(described: LocationDescribed, given: Given, *, location: Location | None) -> Answer:
    """Keep the calendar of a location: the newest description holds."""
    new = Location(
        location_id=described.location_id,
        time_zone=described.time_zone,
        opening_hours=tuple(
            OpenInterval(day=hours.day, opens=hours.opens, closes=hours.closes) for hours in described.opening_hours
        ),
        closed_on=described.closed_on,
    )
    return NOTHING if new == location else Decision(rows=(new,))
