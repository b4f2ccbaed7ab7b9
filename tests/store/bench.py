"""An engine of the tally service on one of the stores, a look into it, and the records that it is given."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count as counter
from typing import Any

import asyncpg

from shared.engine import letterbox
from shared.engine.deciding import Rules, Trace
from shared.engine.engine import Engine
from shared.engine.letters import letter_id
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.engine.packing import unpack
from shared.engine.postgres import READ_BY_INDEX, PostgresStore
from shared.engine.service import Service
from shared.engine.simulation import ManualClock
from shared.engine.tracing import Silent
from shared.events.structured import key_of
from tests.store.databases import create_tables
from tests.store.tally import TALLY, Arrival, Tally

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
offsets = counter(1)


class Bench:
    """An engine on one of the stores, and a look into it."""

    def __init__(self, store: MemoryStore | PostgresStore) -> None:
        self.store, self.clock = store, ManualClock(NOON)
        self.upgrade(store.service)

    def upgrade(self, service: Service, trace: Trace | None = None) -> None:
        """Go on with another release of the service."""
        self.store.service = service
        rules = Rules(parked_max_age=timedelta(days=1))
        self.engine = Engine(service, self.store, clock=self.clock, rules=rules, trace=trace or Silent().create)

    async def take(self, *records: Raw) -> None:
        await self.engine.process(records)

    async def after(self, wait: timedelta) -> None:
        self.clock.move_to(self.clock.now + wait)
        await self.engine.tick()

    async def pieces(self, sku: str) -> int | None:
        if isinstance(self.store, MemoryStore):
            tally: Tally | None = self.store.rows[Tally].get(sku)
            return tally.pieces if tally else None
        assert isinstance(self.store, PostgresStore)
        pieces: int | None = await self.store.pool.fetchval("SELECT pieces FROM tallies WHERE sku = $1", sku)
        return pieces

    async def arrivals(self) -> int:
        if isinstance(self.store, MemoryStore):
            return len(self.store.journals[Arrival])
        assert isinstance(self.store, PostgresStore)
        arrivals: int = await self.store.pool.fetchval("SELECT count(*) FROM arrivals")
        return arrivals

    async def outbox(self) -> list[Outgoing]:
        if isinstance(self.store, MemoryStore):
            return self.store.outbox
        assert isinstance(self.store, PostgresStore)
        rows = await self.store.pool.fetch("SELECT topic, key, value, headers FROM outbox ORDER BY id")
        return [Outgoing(row[0], row[1], row[2], unpack(row[3])) for row in rows]

    async def dead(self) -> list[tuple[str, str]]:
        """Topic and reason of every dead letter."""
        return [
            (record.topic, (dict(record.headers)["tekil_dlq_reason"] or b"").decode())
            for record in await self.outbox()
            if record.topic.endswith(".dlq")
        ]

    async def letters(self) -> list[tuple[str, str, int, str | None]]:
        """Reason, state, attempts and outcome of every letter, in the order of their records."""
        if isinstance(self.store, MemoryStore):
            kept = sorted(self.store.letters.values(), key=lambda each: each.letter.raw.offset)
            return [(each.letter.reason, each.state, each.attempts, each.outcome) for each in kept]
        query = "SELECT reason, state, attempts, outcome FROM dead_letters ORDER BY record_offset"
        return [tuple(row) for row in await self.store.pool.fetch(query)]

    async def want_retried(self, *records: Raw) -> None:
        """Want the letters of these records to be tried again, as a person does."""
        ids = [letter_id(each) for each in records]
        if isinstance(self.store, MemoryStore):
            self.store.retry(ids)
        else:
            await letterbox.retry(self.store.pool, ids=ids)

    async def retry(self, *records: Raw) -> None:
        """The same, and let the leader see to it."""
        await self.want_retried(*records)
        await self.engine.tick()

    async def parked(self) -> int:
        """How many messages wait."""
        if isinstance(self.store, MemoryStore):
            return len(self.store.parked)
        number: int = await self.store.pool.fetchval("SELECT count(*) FROM parked")
        return number

    async def totals(self) -> list[int]:
        """What the published events say is on hand, in their order."""
        return [
            json.loads(record.value or b"")["on_hand_quantity"]
            for record in await self.outbox()
            if not record.topic.endswith(".dlq")
        ]


@asynccontextmanager
async def tally_pool(url: str, *, size: int = 4) -> AsyncIterator[asyncpg.Pool]:
    """Give connections to a database with the tables of the tally, with the settings of a member's."""
    await create_tables(url, TALLY.metadata)
    async with asyncpg.create_pool(url, min_size=1, max_size=size, server_settings=READ_BY_INDEX) as pool:
        yield pool


async def stuck(pool: asyncpg.Pool, number: int, *, timeout_s: float = 30) -> None:
    """Wait until so many transactions wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(timeout_s):
        while await pool.fetchval(query) < number:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)


def record(kind: str, event_id: str, data: dict[str, Any] | bytes, **headers: bytes | None) -> Raw:
    value = data if isinstance(data, bytes) else json.dumps(data).encode()
    envelope = {"ce_specversion": b"1.0", "ce_id": event_id.encode(), "ce_source": b"/test", "ce_type": kind.encode()}
    envelope |= {"ce_time": b"2026-11-02T11:59:00Z", "traceparent": TRACE.encode()}
    topic = "tekil.reference.v1" if kind in ("item.described", "safety_stock.set") else "tekil.operations.v1"
    merged = tuple({**envelope, **headers}.items())
    key = key_of({"type": kind, "data": data}).encode()
    return Raw(topic, 0, next(offsets), int(NOON.timestamp() * 1000), key, value, merged)


def described(sku: str, event_id: str = "") -> Raw:
    data = {"sku": sku, "name": sku, "brand": "b", "standard_cost_minor": 1, "currency": "EUR"}
    return record("item.described", event_id or f"describe-{sku}", data)


def received(sku: str, quantity: int, event_id: str, **headers: bytes | None) -> Raw:
    return record("stock.received", event_id, {"location_id": "S1", "sku": sku, "quantity": quantity}, **headers)


def adjusted(sku: str, event_id: str) -> Raw:
    """What the tally has no decision for but one with a bug."""
    data = {"location_id": "S1", "sku": sku, "change_quantity": 1, "reason": "x"}
    return record("stock.adjusted", event_id, data)


def counted(sku: str, event_id: str) -> Raw:
    return record("stock.counted", event_id, {"location_id": "S1", "sku": sku, "counted_quantity": 0})
