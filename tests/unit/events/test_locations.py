"""What a location may be: the contract says it, so every service that reads of one agrees."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from shared.events.accounts import RESERVED
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from shared.events.reference import LocationDescribed
from shared.events.samples import read_samples

OF_THE_WORLD = {"tekil.channel.v1", "tekil.operations.v1", "tekil.reference.v1"}
GALATA = {"location_id": "galata", "kind": "store", "name": "Galata", "brand": "acme", "cost_centre": "cc-galata"}


def faults(event: type[Event], data: dict[str, Any]) -> list[str]:
    try:
        event.model_validate_json(json.dumps(data))
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return []


def hours(*spans: str) -> dict[str, Any]:
    """Read opening hours such as "mon 10:00 13:00"."""
    return {"opening_hours": [dict(zip(("day", "opens", "closes"), span.split(), strict=True)) for span in spans]}


CAN_BE = {
    "always open": {},
    "an afternoon that begins when the morning ends": hours("mon 13:00 18:00", "mon 10:00 13:00"),
    "the same hours on two days": hours("mon 10:00 18:00", "tue 10:00 18:00"),
    "stock of a partner's": {"owner_cost_centre": "partner", "time_zone": "America/Argentina/Ushuaia"},
}
CANNOT_BE = {
    "stock that the supplier owns": (
        {"owner_cost_centre": "supplier"},
        "owner_cost_centre: Value error, supplier is an account of the books: no location or cost centre is called so",
    ),
    "no such zone": (
        {"time_zone": "Europe/Atlantis"},
        "time_zone: Value error, no time zone is called Europe/Atlantis",
    ),
    "a continent": ({"time_zone": "America"}, "time_zone: Value error, no time zone is called America"),
    "a path": ({"time_zone": "/etc/passwd"}, "time_zone: Value error, no time zone is called /etc/passwd"),
    "hours of another zone": (
        hours("mon 10:00 18:00", "tue 10:00+03:00 18:00"),
        "opening_hours.1.opens: Value error, opening hours are local times, without an offset",
    ),
    "closed at an hour of another zone": (
        hours("tue 10:00 18:00Z"),
        "opening_hours.0.closes: Value error, opening hours are local times, without an offset",
    ),
    "closed before open": (
        hours("sat 10:00 18:00", "sun 18:00 02:00"),
        "opening_hours.1: Value error, on sun it closes at 02:00:00 and opens at 18:00:00",
    ),
    "open for no time": (
        hours("sun 10:00 10:00"),
        "opening_hours.0: Value error, on sun it closes at 10:00:00 and opens at 10:00:00",
    ),
    "open twice at once": (
        hours("mon 12:00 18:00", "tue 09:00 18:00", "mon 10:00 13:00"),
        "opening_hours: Value error, on mon it opens at 12:00:00, before it closed at 13:00:00",
    ),
}


@pytest.mark.parametrize("described", CAN_BE.values(), ids=CAN_BE)
def test_a_location_that_can_be(described: dict[str, Any]) -> None:
    assert faults(LocationDescribed, GALATA | described) == []


@pytest.mark.parametrize(("described", "fault"), CANNOT_BE.values(), ids=CANNOT_BE)
def test_a_location_that_cannot_be(described: dict[str, Any], fault: str) -> None:
    assert faults(LocationDescribed, GALATA | described) == [fault]


def renamed(data: Any, name: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the data once for each location and cost centre that it names, with that one called otherwise."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        changed = data.copy()
        if str(key).endswith(("location_id", "cost_centre")) and value is not None:
            changed[key] = name
            yield f"{path}{key}", changed
        for inner_path, inner in renamed(value, name, f"{path}{key}."):
            changed = data.copy()
            changed[key] = inner
            yield inner_path, changed


NAMED = [
    pytest.param(CATALOGUE[kind], path, data, name, id=f"{kind} {path} {name}")
    for kind, sample in read_samples().items()
    if CATALOGUE[kind].TOPIC in OF_THE_WORLD
    for name in sorted(RESERVED)
    for path, data in renamed(sample["data"], name)
]


@pytest.mark.parametrize(("event", "path", "data", "name"), NAMED)
def test_no_place_of_the_world_is_called_like_an_account_of_ours(
    event: type[Event], path: str, data: dict[str, Any], name: str
) -> None:
    sentence = f"{name} is an account of the books: no location or cost centre is called so"
    assert faults(event, data) == [f"{path}: Value error, {sentence}"]
