"""All services in one process, in memory, under a clock that moves when it is told to.

The decisions and the engine's rules are the very same as on Kafka and PostgreSQL; only the bus and the stores are
dictionaries. What happens is a function of what is published, so a run can be repeated to the byte.
"""

from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.engine.service import Service
from shared.engine.tracing import Silent

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved, and never goes back."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, moment: datetime) -> None:
        """Move to a moment, unless it has passed."""
        self.now = max(self.now, moment)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits for anything, as those of a store in memory."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("a simulated store waited for something")


class Simulation:
    """Services, their stores in memory, and a bus that delivers in order, at once and exactly once."""

    def __init__(self, services: Sequence[Service], clock: ManualClock, *, parked_max_age: timedelta) -> None:
        self.clock = clock
        self.stores = {service.name: MemoryStore(service) for service in services}
        rules = Rules(parked_max_age)
        self.engines = {
            service.name: Engine(service, self.stores[service.name], clock=clock, rules=rules, trace=Silent().create)
            for service in services
        }
        self._readers = {service.name: frozenset(service.topics) for service in services}
        self._queue: deque[Raw] = deque()
        self._offsets = 0
        self.published: list[Outgoing] = []

    def publish(self, record: Outgoing) -> None:
        """Put a record of the world outside on the bus."""
        self._offsets += 1
        stamp = int(self.clock.now.timestamp() * 1000)
        self._queue.append(Raw(record.topic, 0, self._offsets, stamp, record.key, record.value, record.headers))

    def settle(self) -> None:
        """Deliver until nothing is on the way any more."""
        self._relay()
        while self._queue:
            record = self._queue.popleft()
            for name, engine in self.engines.items():
                if record.topic in self._readers[name]:
                    run(engine.process([record]))
            self._relay()

    def tick(self) -> None:
        """Let every service decide about what has fallen due, and deliver what follows."""
        for engine in self.engines.values():
            run(engine.tick())
        self.settle()

    def next_time(self) -> datetime | None:
        """Return when something falls due next."""
        return min(_known(store.next_time() for store in self.stores.values()), default=None)

    def take_published(self) -> list[Outgoing]:
        """Return what the services published since the last call."""
        taken, self.published = self.published, []
        return taken

    def _relay(self) -> None:
        for store in self.stores.values():
            for record in store.outbox:
                self.published.append(record)
                self.publish(record)
            store.outbox.clear()


def _known(times: Iterable[datetime | None]) -> list[datetime]:
    return [moment for moment in times if moment is not None]
