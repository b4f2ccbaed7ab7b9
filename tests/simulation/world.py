"""The small world that every history plays in: a web shop, three stores, four skus, and what is on the shelves.

One store and one sku are described late, so that whatever is about them has to wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.fulfilment.domain.codes import PickupCodes
from shared.engine.message import Outgoing
from shared.events.event import Event
from shared.events.operations import StockReceived
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed, LocationKind

DAWN = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""When histories begin: a Monday."""
WEB, NORTH, SOUTH, LATE_STORE = "web", "north", "south", "late-store"
STORES = NORTH, SOUTH, LATE_STORE
MUG, PEN, RARE, LATE_ITEM = "mug", "pen", "rare", "late-item"
PLENTY, FEW = 1000, 3
CODES = PickupCodes(b"a secret for histories")


@dataclass(frozen=True, slots=True)
class Told:
    """What the world outside publishes, and when: seconds after `DAWN`."""

    at_s: int
    record: Outgoing
    text: str
    """The event in words, for whoever reads a failing history."""
    dead: str = ""
    """With which slug it ends as a dead letter; empty where it is good."""
    readers: tuple[str, ...] = ()
    """Who makes a dead letter of it."""
    stays: bool = False
    """Whether a history without it would be another one: days must not pass before it, nor may it be left out."""


def told(event: Event, event_id: str, *, at_s: int, stays: bool = False) -> Told:
    """Return an event as its producer publishes it."""
    time = (DAWN + timedelta(seconds=at_s)).isoformat()
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", b"/world"),
        ("ce_type", event.TYPE.encode()),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
    )
    value = event.__pydantic_serializer__.to_json(event)
    text = f"{event_id}: {event.TYPE} {event.model_dump_json(exclude_defaults=True)}"
    return Told(at_s, Outgoing(event.TOPIC, event.key.encode(), value, headers), text, stays=stays)


def _location(location_id: str, kind: LocationKind, cost_centre: str, owner: str | None = None) -> LocationDescribed:
    return LocationDescribed(
        location_id=location_id,
        kind=kind,
        name=location_id,
        brand="atelier",
        cost_centre=cost_centre,
        owner_cost_centre=owner,
        time_zone="Europe/Berlin",
    )


def _item(sku: str, cost_minor: int) -> ItemDescribed:
    return ItemDescribed(sku=sku, name=sku, brand="atelier", standard_cost_minor=cost_minor, currency="EUR")


def beginning() -> list[Told]:
    """Return what was told before any history begins."""
    described: list[Event] = [
        _location(WEB, "online", "cc-web"),
        _location(NORTH, "store", "cc-north"),
        _location(SOUTH, "store", "cc-south", "cc-brand"),
        AssociateDescribed(associate_id="ben", location_id=SOUTH),
        AssociateDescribed(associate_id="cem", location_id=NORTH),
        _item(MUG, 400),
        _item(PEN, 33),
        _item(RARE, 9000),
    ]
    delivered: list[Event] = [
        StockReceived(location_id=store, sku=sku, quantity=FEW if sku == RARE else PLENTY)
        for store in STORES
        for sku in (MUG, PEN, RARE, LATE_ITEM)
    ]
    return [told(event, f"begin-{number}", at_s=0) for number, event in enumerate(described + delivered)]


def latecomers(*, at_s: tuple[int, int]) -> list[Told]:
    """Return the descriptions that come late."""
    return [
        told(_location(LATE_STORE, "partner", "cc-late"), "late-store", at_s=at_s[0], stays=True),
        told(_item(LATE_ITEM, 777), "late-item", at_s=at_s[1], stays=True),
    ]
