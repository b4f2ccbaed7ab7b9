"""A location is described."""

from datetime import date, time

from services.fulfilment.domain.describe import describe
from services.fulfilment.domain.state import Location
from shared.events.reference import LocationDescribed, OpeningHours, Weekday
from shared.kernel.decision import NOTHING, Decision
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
