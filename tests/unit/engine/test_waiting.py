"""Early messages: in order, however often they wait, and never more at once than a transaction should hold."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.engine.deciding import WAKES_MAX
from shared.engine.memory import MemoryStore
from shared.engine.message import Raw
from shared.engine.postgres import PostgresStore
from shared.engine.service import Service, on, one
from shared.engine.store import Wait
from shared.engine.work import Work
from shared.events.operations import StockCounted, StockReceived
from shared.events.reference import ItemDescribed, SafetyStockSet
from shared.kernel.decision import Answer, Decision, Given, NotYet
from tests.store.bench import Bench, counted, described, received, record, stuck, tally_pool
from tests.store.tally import TALLY, Item, Tally, _moved, describe

LATE = WAKES_MAX * 2 - 100


def receive(received: StockReceived, given: Given, *, item: Item | None, tally: Tally | None) -> Answer:
    """Wait for the item, then for its tally to begin, then add."""
    if item is None:
        return NotYet(Item, received.sku)
    if tally is None:
        return NotYet(Tally, received.sku)
    pieces = tally.pieces + received.quantity
    return Decision((Tally(tally.sku, pieces),), (_moved(tally.sku, received.quantity, pieces, given),))


def begin(wanted: SafetyStockSet, given: Given, *, tally: Tally | None) -> Answer:
    """Begin with nothing."""
    return Decision((Tally(wanted.sku, 0),))


def count(counted: StockCounted, given: Given) -> Answer:
    """Tell, and need nothing."""
    return Decision(events=(_moved(counted.sku, 0, counted.counted_quantity, given),))


PATIENT = Service(
    name="tally",
    metadata=TALLY.metadata,
    rows=TALLY.rows,
    handlers=(
        on(ItemDescribed, describe, one("item", Item, lambda described: described.sku)),
        on(StockCounted, count),
        on(SafetyStockSet, begin, one("tally", Tally, lambda wanted: wanted.sku)),
        on(
            StockReceived,
            receive,
            one("item", Item, lambda received: received.sku),
            one("tally", Tally, lambda received: received.sku),
        ),
    ),
)


@pytest.fixture(params=["memory", "postgres"])
async def bench(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield Bench(MemoryStore(PATIENT))
        return
    async with tally_pool(database) as pool:
        yield Bench(PostgresStore(PATIENT, pool))


def begun(sku: str) -> Raw:
    return record("safety_stock.set", f"begin-{sku}", {"location_id": "S1", "sku": sku, "quantity": 0})


async def parked(bench: Bench) -> int:
    if isinstance(bench.store, MemoryStore):
        return len(bench.store.parked)
    number: int = await bench.store.pool.fetchval("SELECT count(*) FROM parked")
    return number


async def test_messages_that_wait_twice_keep_their_order(bench: Bench) -> None:
    await bench.take(received("A", 1, "r1"), received("A", 2, "r2"))
    await bench.take(received("A", 4, "r3"))
    await bench.take(described("A"))
    await bench.take(received("A", 8, "r4"))
    assert (await parked(bench), await bench.totals()) == (4, [])
    await bench.take(begun("A"), received("A", 16, "r5"))
    assert (await parked(bench), await bench.totals()) == (0, [1, 3, 7, 15, 31])


async def test_a_message_that_needs_nothing_stays_behind_the_earlier_ones_of_its_stream(bench: Bench) -> None:
    await bench.take(received("A", 1, "r1"))
    await bench.take(counted("A", "c1"))
    await bench.take(described("A"))
    assert (await parked(bench), await bench.totals()) == (2, [])
    await bench.take(begun("A"))
    assert (await parked(bench), await bench.totals()) == (0, [1, 0])


async def test_a_message_stays_behind_one_that_is_moved_to_another_wait_at_that_moment(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as holding:
        bench = Bench(PostgresStore(PATIENT, pool))
        await bench.take(received("A", 1, "r1"))
        await pool.execute("INSERT INTO items VALUES ('A', 'A', 1)")
        async with holding.transaction():
            # The ticker has taken the parked message, and cannot yet see whether its item is there.
            await holding.execute("LOCK TABLE items")
            moving = asyncio.create_task(bench.engine._carry_out(Work(waits=[Wait(Item, "A")])))
            await stuck(pool, 1, timeout_s=10)
            overtaking = asyncio.create_task(bench.take(counted("A", "c1")))
            await stuck(pool, 2, timeout_s=10)
        await asyncio.gather(moving, overtaking)
        assert (await parked(bench), await bench.totals()) == (2, [])
        await bench.take(begun("A"))
        assert (await parked(bench), await bench.totals()) == (0, [1, 0])


async def test_both_waits_may_end_in_one_batch(bench: Bench) -> None:
    await bench.take(received("A", 1, "r1"), received("B", 2, "r2"), received("A", 4, "r3"))
    await bench.take(begun("A"), described("A"), described("B"), begun("B"))
    assert (await bench.pieces("A"), await bench.pieces("B"), await parked(bench)) == (5, 2, 0)


async def test_many_that_wait_for_one_row_are_all_decided_but_not_in_one_transaction(bench: Bench) -> None:
    for start in range(0, LATE, 500):
        await bench.take(*(received("A", 1, f"r{number}") for number in range(start, min(start + 500, LATE))))
    await bench.take(described("A"))
    assert (await parked(bench), await bench.totals()) == (LATE, [])
    done = await bench.engine.process([begun("A")])
    assert [effects.decided for effects in done] == [1 + WAKES_MAX, LATE - WAKES_MAX]
    assert (await parked(bench), await bench.totals()) == (0, list(range(1, LATE + 1)))


async def test_those_behind_a_message_that_waited_too_long_are_set_aside_with_it(bench: Bench) -> None:
    await bench.take(received("A", 1, "r1"))
    await bench.after(timedelta(hours=12))
    await bench.take(received("A", 2, "r2"), received("B", 4, "r3"))
    await bench.after(timedelta(hours=13))
    letters = "tekil.operations.v1.tally.dlq"
    assert await bench.dead() == [(letters, "waited-too-long"), (letters, "behind-a-letter")]
    assert await parked(bench) == 1
