"""A location is described."""

from itertools import pairwise
from zoneinfo import ZoneInfo

from services.fulfilment.domain.state import Location, OpenInterval
from shared.events.reference import LocationDescribed
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid


def describe(described: LocationDescribed, given: Given, *, location: Location | None) -> Answer:
    """Keep the calendar of a location: the newest description holds.

    Invalid: `unknown-time-zone`, `opening-hours-with-offset`, `closes-before-it-opens`, `opening-hours-overlap`.
    """
    invalid = _unknown_zone(described) or _bad_hours(described)
    if invalid is not None:
        return invalid
    new = Location(
        location_id=described.location_id,
        time_zone=described.time_zone,
        opening_hours=tuple(
            OpenInterval(day=hours.day, opens=hours.opens, closes=hours.closes) for hours in described.opening_hours
        ),
        closed_on=described.closed_on,
    )
    return NOTHING if new == location else Decision(rows=(new,))


def _unknown_zone(described: LocationDescribed) -> Invalid | None:
    try:
        ZoneInfo(described.time_zone)
    except (KeyError, OSError, ValueError):
        # A directory of zones, such as "America", is an OSError; a path, or a file that is no zone, a ValueError.
        return Invalid("unknown-time-zone", f"{described.location_id}: no time zone is called {described.time_zone}")
    return None


def _bad_hours(described: LocationDescribed) -> Invalid | None:
    where = described.location_id
    for hours in described.opening_hours:
        if hours.opens.tzinfo or hours.closes.tzinfo:
            return Invalid("opening-hours-with-offset", f"{where}: hours are local times, {hours.day} has an offset")
        if hours.closes <= hours.opens:
            text = f"{where}: on {hours.day} it closes at {hours.closes} and opens at {hours.opens}"
            return Invalid("closes-before-it-opens", text)
    in_order = sorted(described.opening_hours, key=lambda hours: (hours.day, hours.opens))
    for earlier, later in pairwise(in_order):
        if earlier.day == later.day and later.opens < earlier.closes:
            text = f"{where}: on {later.day} it opens at {later.opens}, before it closed at {earlier.closes}"
            return Invalid("opening-hours-overlap", text)
    return None
