"""What is seen of a cluster from outside: everything committed, everything published, and what the world told.

The watch keeps tallies of its own, so that a service is never asked whether it did right.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.attribution.domain.state import Entry, EntryPosting, StockEntry
from services.inventory.domain.state import Movement, StockKey
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.engine.store import Effects
from tests.simulation.world import Told

LineKey = tuple[str, str]


class Broken(Exception):
    """An invariant does not hold: which, and how."""

    def __init__(self, check: str, detail: str) -> None:
        super().__init__(f"{check}: {detail}")
        self.check, self.detail = check, detail


@dataclass
class Watch:
    """Tallies of what was committed, by the kind of thing."""

    stores: dict[str, MemoryStore] = field(default_factory=dict)
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    """By event id and topic: what may end as a dead letter."""
    repetitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    """What was told of dead letters, by their ids."""
    written: dict[str, str] = field(default_factory=dict)
    """The type of every event that was written to an outbox, by id."""
    by_key: dict[tuple[str, bytes | None], list[str]] = field(default_factory=dict)
    """Their ids by topic and key, in the order of the decisions."""
    published_upto: Counter[tuple[str, bytes | None]] = field(default_factory=Counter)
    published_ids: set[str] = field(default_factory=set)
    moved: Counter[StockKey] = field(default_factory=Counter)
    """Pieces by stock, summed from the movements."""
    journal_ids: set[str] = field(default_factory=set)
    declared: Counter[StockKey] = field(default_factory=Counter)
    """Pieces of declared discrepancies."""
    available: dict[StockKey, int] = field(default_factory=dict)
    """What was last published as available."""
    refunded: Counter[str] = field(default_factory=Counter)
    recognised: Counter[LineKey] = field(default_factory=Counter)
    """Pieces in the journal, by order line."""
    net: Counter[LineKey] = field(default_factory=Counter)
    stock_book: Counter[StockKey] = field(default_factory=Counter)
    """Pieces by stock account and sku."""
    overdue: set[tuple[str, str]] = field(default_factory=set)
    """Type and order of what told that a deadline has passed."""
    unknown: set[str] = field(default_factory=set)
    """Orders that somebody was told are unknown who wanted to cancel them."""
    handovers: list[tuple[str, str]] = field(default_factory=list)
    """Of each handover, the message that it follows from and the order."""
    checks: Sequence[Any] = ()
    """Called with the watch, the service and the effects of each transaction."""

    def like(self) -> "Watch":
        """Return a watch that goes on from here with tallies of its own."""
        return Watch(
            moved=self.moved.copy(),
            journal_ids=set(self.journal_ids),
            available=dict(self.available),
            stock_book=self.stock_book.copy(),
            checks=self.checks,
        )

    def was_told(self, told: Told) -> None:
        """Note what the world tells."""
        identity = header(told.record, "ce_id"), told.record.topic
        self.told[identity] = told
        self.repetitions[identity] += 1

    def committed(self, service: str, done: Iterable[Effects]) -> None:
        """Note what a service committed, and check it."""
        for effects in done:
            for record in effects.outgoing:
                self._written(record)
            for kind, values in effects.appended.items():
                self._appended(kind, values)
            for check in self.checks:
                check(self, service, effects)

    def published(self, record: Outgoing) -> None:
        """Note what a relay published: of each key the events come first in the order in which they were written."""
        if record.topic.endswith(".dlq"):
            return
        event_id, stream = header(record, "ce_id"), (record.topic, record.key)
        if event_id in self.published_ids:
            return
        expected = self.by_key[stream][self.published_upto[stream]]
        if event_id != expected:
            raise Broken(
                "a-key-stays-in-order", f"{self.written[event_id]} before {self.written[expected]} of {stream}"
            )
        self.published_upto[stream] += 1
        self.published_ids.add(event_id)

    def _written(self, record: Outgoing) -> None:
        event_id = header(record, "ce_id")
        if record.topic.endswith(".dlq"):
            self.dead[header(record, "tekil_dlq_id")] += 1
            return
        kind = header(record, "ce_type")
        if event_id in self.written:
            raise Broken("each-event-takes-effect-once", f"{kind} {event_id} was decided twice")
        self.written[event_id] = kind
        self.by_key.setdefault((record.topic, record.key), []).append(event_id)
        if kind in _READ:
            self._read(kind, record)

    def _read(self, kind: str, record: Outgoing) -> None:
        data = msgspec.json.decode(record.value or b"")
        match kind:
            case "stock.discrepancy_found":
                self.declared[data["location_id"], data["sku"]] += data["quantity"]
            case "availability.changed":
                self.available[data["location_id"], data["sku"]] = data["available_to_promise"]
            case "refund.requested":
                self.refunded[data["order_id"]] += data["amount_minor"]
            case "hold.expired":
                self.overdue.add((kind, data["order_id"]))
            case "pick.overdue":
                self.overdue.add((kind, f"{data['order_id']}|{data['location_id']}"))
            case "cancellation.refused" if data["reason"]["slug"] == "order-unknown":
                self.unknown.add(data["order_id"])
            case "fulfilment.collected":
                self.handovers.append((header(record, "ce_causationid"), data["order_id"]))

    def _appended(self, kind: type, values: Iterable[Any]) -> None:
        for value in values:
            if kind is Movement:
                self._once(value.movement_id)
                self.moved[value.location_id, value.sku] += value.change_quantity
            elif kind is Entry:
                self._once(value.entry_id)
                self.recognised[value.order_id, value.line_id] += value.quantity
                self.net[value.order_id, value.line_id] += value.net_minor
                self.stock_book[value.fulfil_location_id, value.sku] -= value.quantity
            elif kind is EntryPosting:
                self._once(f"{value.entry_id} {value.ordinal}")
            elif kind is StockEntry:
                self._once(value.entry_id)
                self.stock_book[value.source_account, value.sku] -= value.quantity
                self.stock_book[value.target_account, value.sku] += value.quantity

    def _once(self, journal_id: str) -> None:
        if journal_id in self.journal_ids:
            raise Broken("each-event-takes-effect-once", f"{journal_id} is in a journal twice")
        self.journal_ids.add(journal_id)


_READ = frozenset(
    {
        "stock.discrepancy_found",
        "availability.changed",
        "refund.requested",
        "hold.expired",
        "pick.overdue",
        "fulfilment.collected",
        "cancellation.refused",
    }
)


def header(record: Outgoing | Raw, wanted: str) -> str:
    """Return a header as text; nothing where there is none."""
    return next(((value or b"").decode(errors="replace") for name, value in record.headers if name == wanted), "")
