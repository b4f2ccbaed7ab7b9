"""A service run by the engine, on a store in memory or on PostgreSQL, with a clock that stands until it is moved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count

import asyncpg

from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.engine.packing import unpack
from shared.engine.postgres import PostgresStore
from shared.engine.service import Service
from shared.engine.simulation import ManualClock
from shared.engine.store import Store
from shared.engine.tracing import Silent
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from tests.store.databases import create_tables

PATIENCE = timedelta(hours=1)
"""How long an early message waits."""


class Running:
    """Tells a service what happened and hears what it says."""

    def __init__(self, service: Service, store: Store, now: datetime) -> None:
        self.store, self.clock = store, ManualClock(now)
        self._engine = Engine(service, store, clock=self.clock, rules=Rules(PATIENCE), trace=Silent().create)
        self._numbers = count(1)
        self._heard = 0

    async def tell(self, *events: Event) -> list[Event | str]:
        """Let the service take in these events as one batch, and return what it says."""
        await self._engine.process([self._record(event) for event in events])
        return await self._news()

    async def wait_until(self, moment: datetime) -> list[Event | str]:
        """Let time pass, and return what the service says."""
        self.clock.move_to(moment)
        await self._engine.tick()
        return await self._news()

    async def _news(self) -> list[Event | str]:
        """Return the events published since the last time; for a dead letter its topic and reason."""
        outbox = await self._outbox()
        news = [_read(record) for record in outbox[self._heard :]]
        self._heard = len(outbox)
        return news

    async def _outbox(self) -> list[Outgoing]:
        if isinstance(self.store, MemoryStore):
            return self.store.outbox
        assert isinstance(self.store, PostgresStore)
        rows = await self.store.pool.fetch("SELECT topic, key, value, headers FROM outbox ORDER BY id")
        return [Outgoing(row[0], row[1], row[2], unpack(row[3])) for row in rows]

    def _record(self, event: Event) -> Raw:
        number = next(self._numbers)
        envelope = {
            "ce_specversion": "1.0",
            "ce_id": f"message-{number}",
            "ce_source": "/world",
            "ce_type": event.TYPE,
            "ce_time": self.clock.now.isoformat(),
        }
        headers = tuple((name, text.encode()) for name, text in envelope.items())
        return Raw(event.TOPIC, 0, number, 0, event.key.encode(), event.model_dump_json().encode(), headers)


def _read(record: Outgoing) -> Event | str:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    if reason := headers.get("tekil_dlq_reason"):
        return f"{record.topic}: {reason}"
    return CATALOGUE[headers["ce_type"]].model_validate_json(record.value or b"")


@asynccontextmanager
async def on_postgres(service: Service, url: str) -> AsyncIterator[PostgresStore]:
    """Keep a service's rows in this empty database."""
    await create_tables(url, service.metadata)
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        yield PostgresStore(service, pool)
