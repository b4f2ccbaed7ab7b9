"""Open time by a location's own calendar.

Hours are local wall-clock hours, so a day is 23 or 25 hours long where clocks change, and 9 o'clock is 9 o'clock. A
wall-clock time that comes twice means the first; one that never comes means as much later as clocks went forward.

A location that does not open often enough within `SEARCH_DAYS` counts as always open: its deadlines come early rather
than never, and somebody looks.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from operator import attrgetter
from typing import get_args
from zoneinfo import ZoneInfo

from services.fulfilment.domain.state import Location
from shared.events.reference import Weekday
from shared.kernel.value import replace

SEARCH_DAYS = 366
"""How many local days are looked at, the one of the start included."""
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
"""In the order of `date.weekday()`."""

Interval = tuple[datetime, datetime]
"""Opening and closing, UTC."""


def after_open_time(location: Location, start: datetime, open_time: timedelta) -> datetime:
    """Return when the location has been open for `open_time` since `start`, UTC."""
    moment, left = start, open_time
    for day in _days_from(location, start):
        for opens, closes in _intervals(location, day):
            moment = max(moment, opens)
            if moment + left <= closes:
                return moment + left
            left -= max(closes - moment, timedelta(0))
    return start + open_time


def end_of_open_day(location: Location, start: datetime, open_days: int) -> datetime:
    """Return when the location closes on the last of so many open days after the local day of `start`, UTC."""
    left = open_days
    for day in islice(_days_from(location, start), 1, None):
        if intervals := list(_intervals(location, day)):
            left -= 1
            if not left:
                return max(closes for _, closes in intervals)
    return end_of_open_day(_always_open(location), start, open_days)


def _always_open(location: Location) -> Location:
    return replace(location, opening_hours=(), closed_on=())


def _days_from(location: Location, start: datetime) -> Iterator[date]:
    first = start.astimezone(ZoneInfo(location.time_zone)).date()
    return (first + timedelta(days=number) for number in range(SEARCH_DAYS))


def _intervals(location: Location, day: date) -> Iterator[Interval]:
    """Yield when the location opens and closes on a local day, the earliest first."""
    if day in location.closed_on:
        return
    if not location.opening_hours:
        yield _utc(location, day, time.min), _utc(location, day + timedelta(days=1), time.min)
        return
    weekday = WEEKDAYS[day.weekday()]
    today = [hours for hours in location.opening_hours if hours.day == weekday]
    for hours in sorted(today, key=attrgetter("opens")):
        yield _utc(location, day, hours.opens), _utc(location, day, hours.closes)


def _utc(location: Location, day: date, local: time) -> datetime:
    return datetime.combine(day, local, ZoneInfo(location.time_zone)).astimezone(UTC)
