"""What a history leaves behind, save the times at which services happened to decide."""

from collections.abc import Mapping
from typing import Any

from services.attribution.domain.state import Entry, EntryPosting, Sale, StockEntry
from services.fulfilment.domain.state import Fulfilment, Task
from services.inventory.domain.state import Movement, Reservation, Stock
from services.order.domain.state import Order
from services.returns.domain.state import Purchase
from shared.kernel.value import replace
from tests.simulation.cluster import Cluster

Outcome = Mapping[str, Any]
ROWS = {"order": (Order,), "inventory": (Reservation, Stock), "returns": (Purchase,), "attribution": (Sale,)}
JOURNALS = {"inventory": (Movement,), "attribution": (Entry, EntryPosting, StockEntry)}
TIMELY = frozenset({"availability.changed", "pick.overdue"})


def outcome(cluster: Cluster) -> Outcome:
    """Return rows, journals and the ids of events; the ids are derived, so that they are the same ones too.

    What was available in between depends on who came first, and whether somebody had to be reminded on when they were.
    """
    stores = cluster.watch.stores
    found: dict[str, Any] = {
        f"{service}: {kind.__name__}": stores[service].rows[kind] for service, kinds in ROWS.items() for kind in kinds
    }
    for service, kinds in JOURNALS.items():
        for kind in kinds:
            found[f"{service}: {kind.__name__}"] = {repr(value): value for value in stores[service].journals[kind]}
    found["fulfilment: Fulfilment"] = {
        key: replace(value, tasks=tuple(map(_timeless, value.tasks)))
        for key, value in stores["fulfilment"].rows[Fulfilment].items()
    }
    written = cluster.watch.written.items()
    found["events"] = {event_id: kind for event_id, kind in written if kind not in TIMELY}
    return found


def difference(expected: Outcome, found: Outcome) -> str:
    """Say where two outcomes differ first; nothing where they do not."""
    for name, rows in expected.items():
        for key in rows.keys() | found[name].keys():
            if rows.get(key) != found[name].get(key):
                return f"{name} {key}: {found[name].get(key)}, and without faults {rows.get(key)}"
    return ""


def _timeless(task: Task) -> Task:
    return replace(task, pick_by=task.pick_by.min, pickup_by=None, guesses=())
