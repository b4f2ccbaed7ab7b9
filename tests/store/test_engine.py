"""What the engine promises, on a store in memory and on PostgreSQL alike."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count as counter
from typing import Any

import asyncpg
import pytest

from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.engine.postgres import PostgresStore, unpack_headers
from shared.engine.simulation import ManualClock
from shared.engine.store import Store
from shared.engine.tracing import Silent
from tests.store.databases import create_tables
from tests.store.tally import PATIENCE, TALLY, Arrival, Tally

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
offsets = counter(1)


class Bench:
    """An engine on one of the stores, and a look into it."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, ManualClock(NOON)
        rules = Rules(parked_max_age=timedelta(days=1))
        self.engine = Engine(TALLY, store, clock=self.clock, rules=rules, trace=Silent().create)

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
        return [Outgoing(row[0], row[1], row[2], unpack_headers(row[3])) for row in rows]

    async def dead(self) -> list[tuple[str, str]]:
        """Topic and reason of every dead letter."""
        return [
            (record.topic, (dict(record.headers)["tekil_dlq_reason"] or b"").decode())
            for record in await self.outbox()
            if record.topic.endswith(".dlq")
        ]

    async def totals(self) -> list[int]:
        """What the published events say is on hand, in their order."""
        return [
            json.loads(record.value or b"")["on_hand_quantity"]
            for record in await self.outbox()
            if not record.topic.endswith(".dlq")
        ]


@pytest.fixture(params=["memory", "postgres"])
async def bench(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield Bench(MemoryStore(TALLY))
        return
    async with tally_pool(database) as pool:
        yield Bench(PostgresStore(TALLY, pool))


@asynccontextmanager
async def tally_pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    await create_tables(url, TALLY.metadata)
    async with asyncpg.create_pool(url, min_size=1, max_size=4) as pool:
        yield pool


def record(kind: str, event_id: str, data: dict[str, Any] | bytes, **headers: bytes | None) -> Raw:
    value = data if isinstance(data, bytes) else json.dumps(data).encode()
    envelope = {"ce_specversion": b"1.0", "ce_id": event_id.encode(), "ce_source": b"/test", "ce_type": kind.encode()}
    envelope |= {"ce_time": b"2026-11-02T11:59:00Z", "traceparent": TRACE.encode()}
    topic = "tekil.reference.v1" if kind == "item.described" else "tekil.operations.v1"
    merged = tuple({**envelope, **headers}.items())
    return Raw(topic, 0, next(offsets), int(NOON.timestamp() * 1000), b"key", value, merged)


def described(sku: str, event_id: str = "") -> Raw:
    data = {"sku": sku, "name": sku, "brand": "b", "standard_cost_minor": 1, "currency": "EUR"}
    return record("item.described", event_id or f"describe-{sku}", data)


def received(sku: str, quantity: int, event_id: str, **headers: bytes | None) -> Raw:
    return record("stock.received", event_id, {"location_id": "S1", "sku": sku, "quantity": quantity}, **headers)


def counted(sku: str, event_id: str) -> Raw:
    return record("stock.counted", event_id, {"location_id": "S1", "sku": sku, "counted_quantity": 0})


async def test_later_messages_of_a_batch_see_what_earlier_ones_changed(bench: Bench) -> None:
    await bench.take(described("A"), received("A", 2, "r1"), received("A", 3, "r2"))
    assert await bench.pieces("A") == 5
    assert await bench.totals() == [2, 5]


async def test_an_event_takes_effect_once_within_a_batch_and_across_batches(bench: Bench) -> None:
    twice = received("A", 2, "r1")
    await bench.take(described("A"), twice, twice)
    await bench.take(twice)
    assert (await bench.pieces("A"), await bench.arrivals(), await bench.totals()) == (2, 1, [2])


async def test_the_same_id_with_another_body_is_set_aside_once(bench: Bench) -> None:
    other = received("A", 9, "r1")
    await bench.take(described("A"), received("A", 2, "r1"), other)
    await bench.take(other)
    assert await bench.pieces("A") == 2
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "id-reused")]


async def test_an_early_message_waits_and_those_of_its_stream_wait_behind_it(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    await bench.take(received("A", 3, "r2"))
    assert (await bench.pieces("A"), await bench.totals()) == (None, [])
    await bench.take(described("A"), received("A", 4, "r3"))
    assert await bench.totals() == [2, 5, 9]
    await bench.take(received("A", 2, "r1"))
    assert await bench.pieces("A") == 9


async def test_a_message_that_waited_too_long_is_set_aside_or_decided_otherwise(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    await bench.take(counted("B", "c1"))
    await bench.after(timedelta(hours=23))
    assert await bench.dead() == []
    await bench.after(timedelta(hours=2))
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "waited-too-long")]
    assert await bench.totals() == [0]
    await bench.take(described("A"))
    assert await bench.pieces("A") is None


async def test_bad_records_are_set_aside_each_with_its_reason_and_the_good_ones_take_effect(bench: Bench) -> None:
    await bench.take(
        described("A"),
        received("A", 1, "good-1"),
        record("stock.received", "not-json", b"{"),
        record("stock.received", "bad-field", {"location_id": "S1", "sku": "A", "quantity": 0}),
        record("stock.vanished", "unknown", {}),
        received("A", 1, "null-header", ce_source=None),
        received("A", 1, "latin", ce_time=b"\xff\xfe"),
        received("A", 1, "old", ce_specversion=b"0.3"),
        received("A", 1, "good-2", foreign=None, other=b"\xff"),
    )
    assert await bench.pieces("A") == 2
    reasons = sorted(reason for _, reason in await bench.dead())
    assert reasons == sorted(
        ["not-json", "schema-violation", "unknown-type", "bad-header", "bad-header", "missing-attribute"]
    )


async def test_a_decision_that_fails_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    broken = record("stock.adjusted", "a1", {"location_id": "S1", "sku": "A", "change_quantity": 1, "reason": "x"})
    await bench.take(described("A"), broken, received("A", 1, "r1"))
    assert await bench.pieces("A") == 1
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "decision-failed")]


async def test_a_deadline_fires_once_and_not_after_it_was_moved_or_cleared(bench: Bench) -> None:
    await bench.take(described("A"), described("B"), received("A", 2, "r1"), received("B", 3, "r2"))
    await bench.take(counted("B", "c1"))
    await bench.after(PATIENCE - timedelta(seconds=1))
    await bench.take(received("A", 1, "r3"))
    await bench.after(timedelta(seconds=2))
    assert await bench.totals() == [2, 3, 3]
    await bench.after(PATIENCE)
    await bench.after(PATIENCE)
    assert await bench.totals() == [2, 3, 3, 3]


async def test_ids_are_derived_and_the_trace_goes_on(bench: Bench) -> None:
    await bench.take(described("A"), received("A", 2, "r1"))
    (moved,) = await bench.outbox()
    headers = dict(moved.headers)
    derived = "01a19c20-87a0-8b52-8429-df16606f86d2"
    assert headers["ce_id"] == derived.encode()
    assert headers["ce_causationid"] == b"r1"
    assert headers["traceparent"] == TRACE.encode()
    assert (headers["ce_source"], headers["ce_type"], moved.key) == (b"/tekil/tally", b"stock.moved", b"S1|A")


async def test_what_only_the_database_refuses_is_set_aside_alone(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        await bench.take(described("A"), *(received("A", 1, f"r{n}") for n in range(20)), received("A", 5000, "poison"))
        await bench.take(received("A", 1, "after"))
        assert await bench.pieces("A") == 21
        assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "refused-by-database")]


async def test_two_members_on_the_same_rows_lose_nothing(database: str) -> None:
    async with tally_pool(database) as pool:
        first, second = Bench(PostgresStore(TALLY, pool)), Bench(PostgresStore(TALLY, pool))
        await first.take(described("A"))
        mine = [[received("A", 1, f"m{batch}-{n}") for n in range(5)] for batch in range(20)]
        await asyncio.gather(*(first.take(*batch) for batch in mine), *(second.take(*batch) for batch in mine))
        assert (await first.pieces("A"), await first.arrivals()) == (100, 100)


async def test_a_message_parked_while_its_row_came_is_found_at_the_next_tick(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        await bench.take(received("A", 2, "r1"))
        await pool.execute("INSERT INTO items VALUES ('A', 'A', 1)")
        await bench.after(timedelta(seconds=1))
        assert await bench.pieces("A") == 2
        assert await pool.fetchval("SELECT count(*) FROM parked") == 0
