"""Describing a location: the newest description holds."""

from services.order.domain.describe import describe
from services.order.domain.state import Location
from shared.events.reference import LocationDescribed
from shared.kernel.decision import NOTHING, Decision
from tests.unit.order.orders import GIVEN

STORE = LocationDescribed(location_id="moda", kind="store", name="Moda", brand="tekil", cost_centre="cc-moda")
KNOWN = Location("moda", "store")


def test_a_location_is_kept_and_described_anew() -> None:
    assert describe(STORE, GIVEN, location=None) == Decision(rows=(KNOWN,))
    assert describe(STORE, GIVEN, location=Location("moda", "online")) == Decision(rows=(KNOWN,))


def test_what_is_described_as_it_is_known_changes_nothing() -> None:
    assert describe(STORE, GIVEN, location=KNOWN) == NOTHING
