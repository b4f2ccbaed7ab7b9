"""A location is described."""

from datetime import date, time

import pytest

from services.fulfilment.domain.describe import describe
from services.fulfilment.domain.state import Location
from shared.events.reference import LocationDescribed, OpeningHours, Weekday
from shared.kernel.decision import NOTHING, Decision, Invalid
from tests.unit.fulfilment.examples import given, hours


def described(*opening_hours: OpeningHours, time_zone: str = "Europe/Istanbul") -> LocationDescribed:
    return LocationDescribed(
        location_id="galata",
        kind="store",
        name="Galata",
        brand="acme",
        cost_centre="cc-galata",
        time_zone=time_zone,
        opening_hours=opening_hours,
        closed_on=(date(2026, 3, 20),),
    )


def on_day(day: Weekday, span: str) -> OpeningHours:
    opens, closes = span.split("-")
    return OpeningHours(day=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))


LUNCH_BREAK = on_day("mon", "14:00-18:00"), on_day("mon", "10:00-13:00")
KEPT = Location("galata", "Europe/Istanbul", hours("14:00-18:00 10:00-13:00", ("mon",)), (date(2026, 3, 20),))


def test_its_calendar_is_kept() -> None:
    assert describe(described(*LUNCH_BREAK), given(), location=None) == Decision(rows=(KEPT,))


def test_the_newest_description_holds() -> None:
    answer = describe(described(time_zone="Europe/Berlin"), given(), location=KEPT)
    assert answer == Decision(rows=(Location("galata", "Europe/Berlin", (), (date(2026, 3, 20),)),))


def test_the_same_description_again_changes_nothing() -> None:
    assert describe(described(*LUNCH_BREAK), given(), location=KEPT) == NOTHING


def test_an_afternoon_may_begin_when_the_morning_ends() -> None:
    answer = describe(described(on_day("mon", "10:00-13:00"), on_day("mon", "13:00-18:00")), given(), location=None)
    assert isinstance(answer, Decision)


INVALID = {
    "no such zone": (
        described(time_zone="Europe/Atlantis"),
        Invalid("unknown-time-zone", "galata: no time zone is called Europe/Atlantis"),
    ),
    "a continent": (
        described(time_zone="America"),
        Invalid("unknown-time-zone", "galata: no time zone is called America"),
    ),
    "a path": (
        described(time_zone="/Europe/Berlin"),
        Invalid("unknown-time-zone", "galata: no time zone is called /Europe/Berlin"),
    ),
    "hours of another zone": (
        described(OpeningHours(day="tue", opens=time.fromisoformat("10:00+03:00"), closes=time(18))),
        Invalid("opening-hours-with-offset", "galata: hours are local times, tue has an offset"),
    ),
    "closed before open": (
        described(on_day("sat", "10:00-18:00"), on_day("sun", "18:00-02:00")),
        Invalid("closes-before-it-opens", "galata: on sun it closes at 02:00:00 and opens at 18:00:00"),
    ),
    "open for no time": (
        described(on_day("sun", "10:00-10:00")),
        Invalid("closes-before-it-opens", "galata: on sun it closes at 10:00:00 and opens at 10:00:00"),
    ),
    "open twice at once": (
        described(on_day("mon", "12:00-18:00"), on_day("tue", "09:00-18:00"), on_day("mon", "10:00-13:00")),
        Invalid("opening-hours-overlap", "galata: on mon it opens at 12:00:00, before it closed at 13:00:00"),
    ),
}


@pytest.mark.parametrize(("event", "invalid"), INVALID.values(), ids=INVALID)
def test_a_calendar_that_cannot_be_is_invalid(event: LocationDescribed, invalid: Invalid) -> None:
    assert describe(event, given(), location=KEPT) == invalid
