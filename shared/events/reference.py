"""`tekil.reference.v1` (compacted): what the master-data systems describe. The newest description of a key holds."""

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.events.event import Count, Currency, Event, Id, Minor, Moment, Part, Text

TOPIC = "tekil.reference.v1"

LocationKind = Literal["online", "store", "warehouse", "partner"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class OpeningHours(Part):
    """When a location is open on a day of the week, in its own time zone. Closing is after opening, the same day."""

    day: Weekday
    opens: time
    closes: time


class LocationDescribed(Event, type="location.described", topic=TOPIC, key=("location_id",), kind="location"):
    """A place that sells, keeps or hands over goods. The web shop is one, of kind `online`."""

    location_id: Id
    kind: LocationKind
    name: Text
    brand: Id
    region: Text = ""
    cost_centre: Id
    """Whose budget its sales and costs are written to."""
    owner_cost_centre: Id | None = None
    """The cost centre that owns the stock kept here (the brand, a partner); its own when absent."""
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = "UTC"
    """An IANA name, such as Europe/Istanbul."""
    opening_hours: Annotated[tuple[OpeningHours, ...], Field(max_length=14)] = ()
    """Without any, it counts as always open."""
    closed_on: Annotated[tuple[date, ...], Field(max_length=366)] = ()
    """Holidays, as local dates."""


class ItemDescribed(Event, type="item.described", topic=TOPIC, key=("sku",), kind="item"):
    """What a sku is and costs."""

    sku: Id
    name: Text
    brand: Id
    category: Text = ""
    standard_cost_minor: Minor
    """What one piece costs its owner."""
    currency: Currency


class AssociateDescribed(Event, type="associate.described", topic=TOPIC, key=("associate_id",), kind="associate"):
    """Somebody who sells or serves; a token and a place, never a name."""

    associate_id: Id
    location_id: Id
    role: Text = ""


class SafetyStockSet(Event, type="safety_stock.set", topic=TOPIC, key=("location_id", "sku"), kind="safety_stock"):
    """How many pieces of a sku a location keeps back from online promises."""

    location_id: Id
    sku: Id
    quantity: Count


class PolicyPublished(Event, type="policy.published", topic=TOPIC, key=("version",), kind="policy"):
    """A version of the attribution policy, and from when it holds."""

    version: Id
    effective_from: Moment
    document: dict[str, Any]
    """The policy file, as it was validated."""
