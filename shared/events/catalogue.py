"""Every event type there is, by its CloudEvents type."""

from types import ModuleType

from shared.events import attribution, channel, fulfilment, inventory, operations, order, reference
from shared.events.event import Event

MODULES: tuple[ModuleType, ...] = (channel, operations, reference, order, inventory, fulfilment, attribution)


def _events(module: ModuleType) -> list[type[Event]]:
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Event) and found.__module__ == module.__name__
    ]


CATALOGUE: dict[str, type[Event]] = {event.TYPE: event for module in MODULES for event in _events(module)}
