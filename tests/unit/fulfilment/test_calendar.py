"""Open time, by calendars that people really have. In each case local times are said in the comment."""

from datetime import datetime, timedelta

import pytest

from services.fulfilment.domain.calendar import after_open_time, end_of_open_day
from services.fulfilment.domain.state import Location
from tests.unit.fulfilment.examples import EVERY_DAY, hours, utc

MON_TO_SAT = EVERY_DAY[:6]
ISTANBUL = Location("i", "Europe/Istanbul", hours("10:00-22:00"))
NO_SUNDAYS = Location("i", "Europe/Istanbul", hours("10:00-22:00", MON_TO_SAT))
LUNCH_BREAK = Location("i", "Europe/Istanbul", hours("14:00-18:00 10:00-13:00"))
ALWAYS = Location("i", "Europe/Istanbul")
BERLIN = Location("b", "Europe/Berlin", hours("10:00-20:00"))
BERLIN_NIGHTS = Location("b", "Europe/Berlin", hours("01:00-05:00"))
NEW_YORK = Location("n", "America/New_York", hours("09:00-21:00"))
MONDAY = utc("2026-03-02T09:00")


def closed(location: Location, *days: str) -> Location:
    dates = tuple(datetime.fromisoformat(day).date() for day in days)
    return Location(location.location_id, location.time_zone, location.opening_hours, dates)


def closed_for_a_year(location: Location, *, but: int = 0) -> Location:
    days = [(MONDAY + timedelta(days=number)).date().isoformat() for number in range(but, 366)]
    return closed(location, *days)


OPEN_TIME = {
    "within the day": (ISTANBUL, "2026-03-02T09:00", 2, "2026-03-02T11:00"),
    "counts from opening, 10:00 (+03)": (ISTANBUL, "2026-03-02T05:00", 2, "2026-03-02T09:00"),
    "may end with closing, 22:00 (+03)": (ISTANBUL, "2026-03-02T17:00", 2, "2026-03-02T19:00"),
    "goes on in the morning": (ISTANBUL, "2026-03-02T18:00", 2, "2026-03-03T08:00"),
    "asked at closing": (ISTANBUL, "2026-03-02T19:00", 2, "2026-03-03T09:00"),
    "asked after midnight": (ISTANBUL, "2026-03-02T22:30", 2, "2026-03-03T09:00"),
    "longer than two days": (ISTANBUL, "2026-03-02T07:00", 25, "2026-03-04T08:00"),
    "skips Sunday": (NO_SUNDAYS, "2026-03-07T18:30", 2, "2026-03-09T08:30"),
    "skips a holiday": (closed(ISTANBUL, "2026-03-03"), "2026-03-02T18:00", 2, "2026-03-04T08:00"),
    "a holiday that has begun": (closed(ISTANBUL, "2026-03-02"), "2026-03-02T09:00", 2, "2026-03-03T09:00"),
    "skips the lunch break": (LUNCH_BREAK, "2026-03-02T09:00", 2, "2026-03-02T12:00"),
    "asked in the lunch break": (LUNCH_BREAK, "2026-03-02T10:30", 2, "2026-03-02T13:00"),
    "ends with the morning": (LUNCH_BREAK, "2026-03-02T08:00", 2, "2026-03-02T10:00"),
    "goes on past both halves": (LUNCH_BREAK, "2026-03-02T09:30", 6, "2026-03-03T08:30"),
    "always open": (ALWAYS, "2026-03-02T22:30", 2, "2026-03-03T00:30"),
    "always open, save a holiday": (closed(ALWAYS, "2026-03-03"), "2026-03-02T20:00", 2, "2026-03-03T22:00"),
    "never opens: as if always open": (closed_for_a_year(ISTANBUL), "2026-03-02T09:00", 2, "2026-03-02T11:00"),
    "opens too little in a year": (closed_for_a_year(ISTANBUL, but=1), "2026-03-02T09:00", 11, "2026-03-02T20:00"),
    # Europe/Istanbul keeps +03 all the year, on the night on which Berlin changes too.
    "Istanbul keeps its clocks": (ISTANBUL, "2026-03-28T18:00", 2, "2026-03-29T08:00"),
    # Berlin: on 29 March 02:00 becomes 03:00, so 01:00-05:00 are three hours; on 25 October they are five.
    "Berlin's short night": (BERLIN_NIGHTS, "2026-03-28T23:30", 3, "2026-03-29T03:00"),
    "past Berlin's short night": (BERLIN_NIGHTS, "2026-03-28T23:30", 4, "2026-03-30T00:00"),
    "Berlin's long night": (BERLIN_NIGHTS, "2026-10-24T22:00", 5, "2026-10-25T04:00"),
    "past Berlin's long night": (BERLIN_NIGHTS, "2026-10-24T22:00", 6, "2026-10-26T01:00"),
    "Berlin opens at 10:00, winter time": (BERLIN, "2026-03-27T18:00", 2, "2026-03-28T10:00"),
    "Berlin opens at 10:00, summer time": (BERLIN, "2026-03-28T18:00", 2, "2026-03-29T09:00"),
    # New York: closes 21:00 EST on 7 March, opens 09:00 EDT on the 8th; the other way round on 1 November.
    "New York springs forward": (NEW_YORK, "2026-03-08T01:00", 2, "2026-03-08T14:00"),
    "New York falls back": (NEW_YORK, "2026-11-01T00:00", 2, "2026-11-01T15:00"),
    "always open, over the change": (Location("n", "America/New_York"), "2026-03-08T06:00", 2, "2026-03-08T08:00"),
    "opens at a time that never comes, so an hour later": (
        Location("n", "America/New_York", hours("02:30-06:00")),
        "2026-03-08T06:00",
        1,
        "2026-03-08T08:30",
    ),
    "does not open in hours that never come": (
        Location("n", "America/New_York", hours("02:30-03:15")),
        "2026-03-08T06:00",
        0.5,
        "2026-03-09T07:00",
    ),
    "closes at a time that comes twice: the first": (
        Location("n", "America/New_York", hours("00:00-01:30")),
        "2026-11-01T04:00",
        2,
        "2026-11-02T05:30",
    ),
}


@pytest.mark.parametrize(("location", "start", "open_h", "end"), OPEN_TIME.values(), ids=OPEN_TIME)
def test_open_time_counts_only_while_the_location_is_open(
    location: Location, start: str, open_h: float, end: str
) -> None:
    assert after_open_time(location, utc(start), timedelta(hours=open_h)) == utc(end)


OPEN_DAYS = {
    "closing of the seventh day": (ISTANBUL, "2026-03-02T09:00", 7, "2026-03-09T19:00"),
    "the first day is tomorrow": (ISTANBUL, "2026-03-02T04:00", 1, "2026-03-03T19:00"),
    "the day is the local one": (ISTANBUL, "2026-03-02T22:30", 7, "2026-03-10T19:00"),
    "Sundays do not count": (NO_SUNDAYS, "2026-03-02T09:00", 7, "2026-03-10T19:00"),
    "holidays do not count": (closed(NO_SUNDAYS, "2026-03-05"), "2026-03-02T09:00", 7, "2026-03-11T19:00"),
    "the last closing of the day": (LUNCH_BREAK, "2026-03-02T09:00", 7, "2026-03-09T15:00"),
    "open on Mondays only": (
        Location("i", "Europe/Istanbul", hours("10:00-22:00", ("mon",))),
        "2026-03-02T09:00",
        7,
        "2026-04-20T19:00",
    ),
    "always open: midnight": (ALWAYS, "2026-03-02T09:00", 7, "2026-03-09T21:00"),
    "always open, save a holiday": (closed(ALWAYS, "2026-03-05"), "2026-03-02T09:00", 7, "2026-03-10T21:00"),
    "never opens: as if always open": (closed_for_a_year(ISTANBUL), "2026-03-02T09:00", 7, "2026-03-09T21:00"),
    "opens too little in a year": (closed_for_a_year(ISTANBUL, but=7), "2026-03-02T09:00", 7, "2026-03-09T21:00"),
    "opens just enough": (closed_for_a_year(ISTANBUL, but=8), "2026-03-02T09:00", 7, "2026-03-09T19:00"),
    "Berlin, into summer time": (BERLIN, "2026-03-23T09:00", 7, "2026-03-30T18:00"),
    "Berlin, out of it": (BERLIN, "2026-10-19T09:00", 7, "2026-10-26T19:00"),
    "New York, into summer time": (NEW_YORK, "2026-03-02T15:00", 7, "2026-03-10T01:00"),
    "New York, out of it": (NEW_YORK, "2026-10-26T15:00", 7, "2026-11-03T02:00"),
    "Istanbul, that stays": (ISTANBUL, "2026-03-23T09:00", 7, "2026-03-30T19:00"),
}


@pytest.mark.parametrize(("location", "start", "open_days", "end"), OPEN_DAYS.values(), ids=OPEN_DAYS)
def test_open_days_are_counted_from_tomorrow_and_end_with_closing(
    location: Location, start: str, open_days: int, end: str
) -> None:
    assert end_of_open_day(location, utc(start), open_days) == utc(end)
