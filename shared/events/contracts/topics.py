"""Who speaks on which topic: the event modules, and the topic declarations of the deployment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from shared.events import channel, operations, reference
from shared.events.catalogue import CATALOGUE, MODULES
from shared.events.event import Event

ROOT = Path(__file__).parents[3]
"""The checkout: contracts are generated in one, never from an installed package."""
DECLARED = ROOT / "deploy/kafka/topics.yaml"
WORLD: dict[ModuleType, str] = {
    channel: "web shop, app, tills, kiosks, call centre",
    operations: "store handhelds, warehouse systems, ERP",
    reference: "master-data systems",
}
"""Who publishes what Tekil receives. Everything else is published by the service that its module is named for."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, what is said on it, and by whom."""

    name: str
    about: str
    publisher: str
    received: bool
    """Whether the world publishes it and Tekil receives it; else Tekil sends it."""
    events: tuple[type[Event], ...]
    declared: dict[str, Any]
    """Its entry in the topic declarations: partitions, clean-up, retention, consumers."""


class Incomplete(Exception):
    """Something that a contract must say is said nowhere."""


def topics() -> Iterator[Topic]:
    """Yield every topic that has events.

    Raises Incomplete for one that nobody declared.
    """
    declared = {entry["name"]: entry for entry in yaml.safe_load(DECLARED.read_text(encoding="utf-8"))["topics"]}
    for module in MODULES:
        spoken = [event for event in CATALOGUE.values() if event.__module__ == module.__name__]
        for name in dict.fromkeys(event.TOPIC for event in spoken):
            if name not in declared:
                raise Incomplete(f"{module.__name__} speaks on {name}, which {DECLARED.name} does not declare")
            yield Topic(
                name=name,
                about=_about(module),
                publisher=WORLD.get(module, f"`{module.__name__.rsplit('.', 1)[1]}` service"),
                received=module in WORLD,
                events=tuple(event for event in spoken if name == event.TOPIC),
                declared=declared[name],
            )


def _about(module: ModuleType) -> str:
    _, about = first_paragraph(module).split(": ", 1)
    return about[0].upper() + about[1:]


def first_paragraph(documented: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((documented.__doc__ or "").strip().split("\n\n")[0].split())


def key_of(event: type[Event]) -> str:
    """Return what the Kafka key of an event is made of, such as `location|{location_id}`."""
    return "|".join([*filter(None, [event.KIND]), *(f"{{{name}}}" for name in event.KEY)])
