"""What only the database refuses is set aside alone, however it came to be decided about."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.engine.deciding import DEADLINE_RETRY
from shared.engine.message import Due
from shared.engine.postgres import PostgresStore
from shared.engine.service import Service, at_deadline
from shared.kernel.decision import Answer, Decision, Given
from tests.store.bench import NOON, Bench, described, received, tally_pool
from tests.store.tally import PATIENCE, TALLY, WALL, Tally

SECOND = timedelta(seconds=1)
REFUSED = ("tekil.operations.v1.tally.dlq", "refused-by-database")
BEHIND = ("tekil.operations.v1.tally.dlq", "behind-a-letter")


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Bench]:
    async with tally_pool(database) as pool:
        yield Bench(PostgresStore(TALLY, pool))


async def parked(bench: Bench) -> int:
    assert isinstance(bench.store, PostgresStore)
    number: int = await bench.store.pool.fetchval("SELECT count(*) FROM parked")
    return number


async def test_a_message_that_wakes_poison_takes_effect_itself(bench: Bench) -> None:
    await bench.take(received("A", 1, "r1"), received("A", WALL + 1, "poison"), received("A", 2, "r2"))
    await bench.take(described("A"), described("B"), received("B", 5, "b1"))
    assert (await bench.pieces("A"), await bench.pieces("B")) == (1, 5)
    assert (await parked(bench), await bench.dead()) == (0, [REFUSED, BEHIND])


async def test_later_messages_of_a_stream_are_set_aside_behind_poison_and_hold_up_no_other(bench: Bench) -> None:
    await bench.take(received("A", WALL + 1, "poison"))
    await bench.take(described("A"))
    await bench.take(received("A", 1, "r1"))
    await bench.take(received("A", 2, "r2"), described("B"), received("B", 4, "b1"))
    assert (await bench.pieces("A"), await bench.pieces("B")) == (None, 4)
    assert (await parked(bench), await bench.dead()) == (0, [REFUSED, BEHIND, BEHIND])


async def test_poison_among_those_that_need_not_wait_any_longer_holds_up_no_other(bench: Bench) -> None:
    many = [received(sku, quantity, f"{sku}-{quantity}") for sku in "ABCDE" for quantity in (1, 2)]
    await bench.take(*many, received("C", WALL + 1, "poison"))
    assert isinstance(bench.store, PostgresStore)
    await bench.store.pool.execute("INSERT INTO items SELECT sku, sku, 1 FROM unnest('{A,B,C,D,E}'::text[]) AS sku")
    await bench.after(SECOND)
    assert [await bench.pieces(sku) for sku in "ABCDE"] == [3, 3, 3, 3, 3]
    assert (await parked(bench), await bench.dead()) == (0, [REFUSED])


def grow(due: Due, given: Given) -> Answer:
    """Write a tally that the database refuses for one sku."""
    return Decision(rows=(Tally(due.key, WALL + 1 if due.key == "C" else 7),))


async def test_a_deadline_that_the_database_refuses_holds_up_no_other_and_is_tried_again_a_minute_later(
    database: str,
) -> None:
    handlers = [handler for handler in TALLY.handlers if handler.trigger != "deadline:audit"]
    growing = Service(
        name="tally",
        metadata=TALLY.metadata,
        rows=TALLY.rows,
        handlers=(*handlers, at_deadline("audit", grow)),
    )
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(growing, pool))
        for sku in "ABCDE":
            await bench.take(described(sku), received(sku, 1, f"r-{sku}"))
        await bench.after(PATIENCE)
        assert [await bench.pieces(sku) for sku in "ABCDE"] == [7, 7, 1, 7, 7]
        left = await pool.fetch("SELECT name, key, due_at FROM deadlines")
        assert [tuple(row) for row in left] == [("audit", "C", NOON + PATIENCE + DEADLINE_RETRY)]
        assert await bench.engine.tick() == []
