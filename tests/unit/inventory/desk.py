"""The inventory service at work: its engine on a store in memory, one batch at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from services.inventory.domain.state import Movement, Reservation, Stock
from services.inventory.service import inventory
from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw, outgoing
from shared.engine.simulation import ManualClock, run
from shared.engine.store import Effects
from shared.engine.tracing import Silent
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from tests.unit.inventory.world import HOLD_TTL, NOON

PARKED_MAX_AGE = timedelta(hours=1)


class Desk:
    """Tell it batches of events, and it answers with what it published."""

    def __init__(self) -> None:
        service = inventory(hold_ttl=HOLD_TTL)
        self.clock = ManualClock(NOON)
        self.store = MemoryStore(service)
        self.dead: list[str] = []
        self._engine = Engine(service, self.store, clock=self.clock, rules=Rules(PARKED_MAX_AGE), trace=Silent().create)
        self._numbers = count(1)

    def tell(self, *events: Event) -> list[Event]:
        """Process events as one batch."""
        return self._published(run(self._engine.process([self._record(event) for event in events])))

    def wait_until(self, moment: datetime) -> list[Event]:
        """Let time pass."""
        self.clock.move_to(moment)
        return self._published(run(self._engine.tick()))

    @property
    def stock(self) -> Mapping[Any, Stock]:
        """What is kept of stock."""
        return self.store.rows[Stock]

    @property
    def reservations(self) -> Mapping[Any, Reservation]:
        """What is held for orders."""
        return self.store.rows[Reservation]

    @property
    def movements(self) -> list[Movement]:
        """Every change of what is on hand."""
        return self.store.journals[Movement]

    def _record(self, event: Event) -> Raw:
        number = next(self._numbers)
        sent = outgoing(event, event_id=f"e-{number}", source="/test", time=self.clock.now, cause_id="", traceparent="")
        return Raw(sent.topic, 0, number, 0, sent.key, sent.value, sent.headers)

    def _published(self, effects: Sequence[Effects]) -> list[Event]:
        for each in effects:
            self.dead += each.dead
        events = [_read(record) for record in self.store.outbox if not record.topic.endswith(".dlq")]
        self.store.outbox.clear()
        return events


def _read(record: Outgoing) -> Event:
    kind = dict(record.headers)["ce_type"]
    assert kind is not None
    assert record.value is not None
    return CATALOGUE[kind.decode()].model_validate_json(record.value)
