"""`tekil.reference.v1` (compacted): what the master-data systems describe. The newest description of a key holds."""

from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from shared.events.event import Count, Currency, Event, Id, LocationId, Minor, Moment, Part, Text

TOPIC = "tekil.reference.v1"

LocationKind = Literal["online", "store", "warehouse", "partner"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        # A directory of zones, such as "America", is an OSError; a path, or a file that is no zone, a ValueError.
        raise ValueError(f"no time zone is called {name}") from None
    return name


def _local(moment: time) -> time:
    if moment.tzinfo is not None:
        raise ValueError("opening hours are local times, without an offset")
    return moment


LocalTime = Annotated[time, AfterValidator(_local)]
"""A time of day by the clock on the wall."""


class OpeningHours(Part):
    """When a location is open on a day of the week, in its own time zone. Closing is after opening, the same day."""

    day: Weekday
    opens: LocalTime
    closes: LocalTime

    @model_validator(mode="after")
    def _close_after_they_open(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError(f"on {self.day} it closes at {self.closes} and opens at {self.opens}")
        return self


def _apart(opening_hours: tuple[OpeningHours, ...]) -> tuple[OpeningHours, ...]:
    in_order = sorted(opening_hours, key=lambda hours: (hours.day, hours.opens))
    for earlier, later in pairwise(in_order):
        if earlier.day == later.day and later.opens < earlier.closes:
            raise ValueError(f"on {later.day} it opens at {later.opens}, before it closed at {earlier.closes}")
    return opening_hours


class LocationDescribed(Event, type="location.described", topic=TOPIC, key=("location_id",), kind="location"):
    """A place that sells, keeps or hands over goods. The web shop is one, of kind `online`.

    Neither it nor a cost centre is called `customer`, `supplier` or `adjustment`: those are accounts of the books.
    """

    location_id: LocationId
    kind: LocationKind
    name: Text
    brand: Id
    region: Text = ""
    cost_centre: LocationId
    """Whose budget its sales and costs are written to."""
    owner_cost_centre: LocationId | None = None
    """The cost centre that owns the stock kept here (the brand, a partner); its own when absent."""
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$"), AfterValidator(_zone)] = "UTC"
    """An IANA name, such as Europe/Istanbul."""
    opening_hours: Annotated[tuple[OpeningHours, ...], Field(max_length=14), AfterValidator(_apart)] = ()
    """Without any, it counts as always open. Those of a day do not overlap."""
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
    location_id: LocationId
    role: Text = ""


class SafetyStockSet(Event, type="safety_stock.set", topic=TOPIC, key=("location_id", "sku"), kind="safety_stock"):
    """How many pieces of a sku a location keeps back from online promises."""

    location_id: LocationId
    sku: Id
    quantity: Count


class PolicyPublished(Event, type="policy.published", topic=TOPIC, key=("version",), kind="policy"):
    """A version of the attribution policy, and from when it holds."""

    version: Id
    effective_from: Moment
    document: dict[str, Any]
    """The policy file, as it was validated."""
