"""A release with a bug: some messages fail to be decided until the bug is repaired, and their letters retried.

A letter that is retried comes after the later messages of its key, as on real servers. So only those fail that the
later ones wait for, or need not come after: a wish to cancel an order that nobody knows is refused at once, say.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.engine.service import Service
from shared.events.channel import SaleRecorded
from shared.events.operations import StockReceived
from shared.events.order import OrderPlaced
from shared.kernel.decision import Answer

FAILING: Mapping[str, tuple[str, ...]] = {
    "order": (SaleRecorded.TYPE,),
    "inventory": (StockReceived.TYPE,),
    "returns": (OrderPlaced.TYPE,),
    "attribution": (OrderPlaced.TYPE,),
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
