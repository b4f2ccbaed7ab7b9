"""A release with a bug: some messages fail to be decided until the bug is repaired, and their letters retried.

Later messages of the same key become letters too, and all are retried in order.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.engine.service import Service
from shared.events.channel import SaleRecorded
from shared.events.fulfilment import FulfilmentCollected
from shared.events.operations import StockReceived
from shared.events.order import OrderPlaced
from shared.kernel.decision import Answer

FAILING: Mapping[str, tuple[str, ...]] = {
    "order": (SaleRecorded.TYPE, FulfilmentCollected.TYPE),
    "inventory": (StockReceived.TYPE, OrderPlaced.TYPE, FulfilmentCollected.TYPE),
    "returns": (OrderPlaced.TYPE, FulfilmentCollected.TYPE),
    "attribution": (OrderPlaced.TYPE, FulfilmentCollected.TYPE),
}


class Bug(Exception):
    """A decision went wrong."""


def fail(*_: object, **__: object) -> Answer:
    """Decide with a bug."""
    raise Bug


def buggy(service: Service) -> Service:
    """Return the release of a service that has the bug."""
    failing = FAILING.get(service.name, ())
    handlers = [replace(each, decide=fail) if each.trigger in failing else each for each in service.handlers]
    return Service(service.name, service.metadata, service.rows, tuple(handlers))
