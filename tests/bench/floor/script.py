"""What Tekil reads, writes and publishes for given orders, recorded from its own decisions in memory."""

import pickle
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.registry import all_services
from shared.engine.message import Outgoing, Raw
from shared.engine.service import Service
from shared.engine.simulation import ManualClock, Simulation, run
from shared.engine.store import Effects
from shared.events.fulfilment import FulfilmentCreated, ReadyForPickup
from shared.runtime.settings import Settings
from tests.bench.contender import SECRET
from tests.bench.world import Assortment, Order, delivered, described

SETTINGS = Settings(pickup_secret=SecretStr(SECRET))
DEADLINES = "deadlines"


@dataclass(slots=True)
class Step:
    """What follows from one record in one service: rows by table, and records to publish."""

    changed: dict[str, list[Sequence[Any]]] = field(default_factory=dict)
    appended: dict[str, list[Sequence[Any]]] = field(default_factory=dict)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Deadlines that are set no longer, by name and key."""
    outgoing: list[Outgoing] = field(default_factory=list)


Script = dict[bytes, Step]
"""The steps of a service, by the id of the record that they follow from."""


class Recorder:
    """Tekil in memory, to which orders are played one after the other."""

    def __init__(self, assortment: Assortment) -> None:
        self._services = {service.name: service for service in all_services(SETTINGS)}
        clock = ManualClock(datetime.now(UTC))
        self._simulation = Simulation([*self._services.values()], clock, parked_max_age=timedelta(days=1))
        self._offset = 0
        self._deliver([*described(assortment), *delivered(assortment)], {}, {})

    def record(self, orders: Sequence[Order], folder: Path) -> None:
        """Play orders, and write what each service does for them into a file of its name."""
        scripts: dict[str, Script] = {name: {} for name in self._services}
        for each in orders:
            self._deliver([each.submitted], {each.order_id: each}, scripts)
        for name, script in scripts.items():
            (folder / f"{name}.script").write_bytes(pickle.dumps(script))

    def _deliver(self, records: Iterable[Outgoing], orders: Mapping[str, Order], scripts: Mapping[str, Script]) -> None:
        """Deliver records and all that follows from them; the orders' stores and customers answer."""
        queue = deque(records)
        while queue:
            record = queue.popleft()
            headers = dict(record.headers)
            if order := orders.get((record.key or b"").decode()):
                queue.extend(_answers(order, headers["ce_type"] or b"", record))
            for name, service in self._services.items():
                if record.topic in service.topics:
                    done = run(self._simulation.engines[name].process([self._raw(record)]))
                    self._simulation.stores[name].outbox.clear()
                    queue.extend(each for effects in done for each in effects.outgoing)
                    if name in scripts and done:
                        scripts[name][headers["ce_id"] or b""] = _step(service, done)

    def _raw(self, record: Outgoing) -> Raw:
        self._offset += 1
        return Raw(record.topic, 0, self._offset, 0, record.key, record.value, record.headers)


def _answers(order: Order, kind: bytes, record: Outgoing) -> Iterable[Outgoing]:
    if kind == FulfilmentCreated.TYPE.encode():
        yield order.picked
    elif kind == ReadyForPickup.TYPE.encode():
        yield order.handed_over(ReadyForPickup.model_validate_json(record.value or b"").pickup_code)


def _step(service: Service, done: Iterable[Effects]) -> Step:
    step = Step()
    for effects in done:
        for rows in service.rows:
            codec = service.codecs[rows.kind]
            if changed := effects.changed.get(rows.kind):
                step.changed[rows.name] = [codec.to_row(value) for value in changed.values()]
            if appended := effects.appended.get(rows.kind):
                step.appended[rows.name] = [codec.to_row(value) for value in appended]
        for identity, deadline in effects.deadlines.items():
            if deadline is None:
                step.dropped.append(identity)
            else:
                row = (*identity, deadline.due_at, deadline.message_id, deadline.traceparent)
                step.changed.setdefault(DEADLINES, []).append(row)
        step.outgoing += effects.outgoing
    return step
