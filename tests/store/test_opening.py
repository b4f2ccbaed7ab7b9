"""Claim, look and load, all at once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace as altered
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.inventory.domain.state import Reservation, Stock
from services.inventory.service import inventory
from shared.engine.postgres import READ_BY_INDEX, PostgresStore
from shared.engine.rows import Key
from shared.engine.service import Service, many
from shared.engine.store import Claim, Transaction, Verdict, Wait
from shared.events.operations import StockReceived
from tests.store.bench import Bench, adjusted, described, received, stuck, tally_pool
from tests.store.databases import create_tables
from tests.store.tally import TALLY, Item, Tally

NEW = [Claim("/test", "new", 1)]
WANTED: Mapping[type, Sequence[Key]] = {Item: ["A", "B"], Tally: ["A", "B"]}
CLEAR: Sequence[Wait] = [Wait(Item, "A")]
LONG_S = 1.1
_RECEIVING = TALLY.by_trigger[StockReceived.TYPE]
FOLLOWING = altered(
    TALLY,
    handlers=(
        *(each for each in TALLY.handlers if each is not _RECEIVING),
        altered(_RECEIVING, needs=(_RECEIVING.needs[0], many("tallies", Tally, lambda item: [item.sku], of="item"))),
    ),
)
"""A release that knows the tally from the item."""
OPEN_ROWS = {Item: {"A": Item("A", "A")}, Tally: {"A": Tally("A", 2)}}


async def opened(bench: Bench, claims: Sequence[Claim], waits: Sequence[Wait], streams: Sequence[str]) -> Any:
    async with bench.store.begin() as transaction:
        verdicts, loaded = await transaction.open(claims, waits, streams, WANTED)
        return verdicts, loaded


async def test_what_is_new_and_has_nothing_in_its_way_gets_its_rows(bench: Bench) -> None:
    await bench.take(described("A"), received("A", 2, "r1"))
    assert await opened(bench, NEW, CLEAR, ["topic|A"]) == ([Verdict.FRESH], OPEN_ROWS)


async def test_it_is_claimed_by_that(bench: Bench) -> None:
    await opened(bench, NEW, CLEAR, [])
    assert await opened(bench, NEW, CLEAR, []) == ([Verdict.REPEATED], None)


async def test_where_one_of_several_is_not_new_each_is_judged_and_nothing_is_loaded(bench: Bench) -> None:
    await opened(bench, NEW, CLEAR, [])
    claims = [Claim("/test", "other", 1), Claim("/test", "new", 2), Claim("/else", "new", 1)]
    assert await opened(bench, claims, CLEAR, []) == ([Verdict.FRESH, Verdict.REUSED, Verdict.FRESH], None)


async def test_nothing_is_loaded_where_something_waits_for_a_row_or_in_a_stream(bench: Bench) -> None:
    await bench.take(early := received("B", 1, "r1"))
    assert await opened(bench, NEW, [Wait(Item, "B")], []) == ([Verdict.FRESH], None)
    stream = f"{early.topic}|{(early.key or b'').decode()}"
    assert await opened(bench, [Claim("/test", "newer", 1)], [], [stream]) == ([Verdict.FRESH], None)


async def test_nothing_is_loaded_where_a_letter_holds_a_stream(bench: Bench) -> None:
    await bench.take(described("A"), failing := adjusted("A", "a1"))
    stream = f"{failing.topic}|{(failing.key or b'').decode()}"
    assert await opened(bench, NEW, [], [stream]) == ([Verdict.FRESH], None)


async def test_who_waited_for_another_claim_of_the_same_id_looks_at_nothing_that_may_have_changed(
    database: str,
) -> None:
    async with tally_pool(database) as pool:
        store = PostgresStore(TALLY, pool)
        async with store.begin() as late:
            async with store.begin() as early:
                assert (await early.open(NEW, [], [], {}))[0] == [Verdict.FRESH]
                opening = asyncio.create_task(late.open(NEW, [], [], {Tally: ["A"]}))
                await stuck(pool, 1)
            assert await opening == ([Verdict.REPEATED], None)


async def test_no_row_is_waited_for_where_a_claim_is_not_new(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        await pool.execute("INSERT INTO tallies VALUES ('A', 1, 1)")
        store = PostgresStore(TALLY, pool)
        async with store.begin() as transaction:
            await transaction.claim(NEW)
        async with other.transaction(), store.begin() as transaction, asyncio.timeout(10):
            await other.execute("SELECT FROM tallies FOR UPDATE")
            assert await transaction.open(NEW, [], [], {Tally: ["A"]}) == ([Verdict.REPEATED], None)


async def test_who_waited_for_a_claim_that_came_to_nothing_has_it(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        await pool.execute("INSERT INTO tallies VALUES ('A', 1, 1)")
        begun = other.transaction()
        await begun.start()
        await other.execute("INSERT INTO inbox VALUES ('/test', 'new', 1, now())")
        async with PostgresStore(TALLY, pool).begin() as transaction:
            opening = asyncio.create_task(transaction.open(NEW, [], [], {Tally: ["A"]}))
            await stuck(pool, 1)
            await begun.rollback()
            assert await opening == ([Verdict.FRESH], {Tally: {"A": Tally("A", 1)}})


async def test_no_row_is_waited_for_where_something_is_parked(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        bench = Bench(PostgresStore(TALLY, pool))
        await bench.take(received("A", 1, "r1"))
        await pool.execute("INSERT INTO tallies VALUES ('A', 1, 1)")
        async with other.transaction(), bench.store.begin() as transaction, asyncio.timeout(10):
            await other.execute("SELECT FROM tallies FOR UPDATE")
            assert await transaction.open(NEW, [Wait(Item, "A")], [], {Tally: ["A"]}) == ([Verdict.FRESH], None)


async def test_who_waited_long_for_a_claim_loads_nothing_as_it_was_before(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        begun = other.transaction()
        await begun.start()
        await other.execute("INSERT INTO inbox VALUES ('/test', 'new', 1, now())")
        async with PostgresStore(TALLY, pool).begin() as transaction:
            opening = asyncio.create_task(transaction.open(NEW, [], [], {Tally: ["A"]}))
            await stuck(pool, 1)
            await pool.execute("INSERT INTO tallies VALUES ('A', 1, 1)")
            await asyncio.sleep(LONG_S)
            await begun.rollback()
            assert await opening == ([Verdict.FRESH], None)


@pytest.mark.parametrize(
    ("held", "there", "free"),
    [("reservations", "stock", True), ("stock", "reservations", False)],
    ids=["the first table", "the second table"],
)
async def test_rows_are_locked_table_by_table(database: str, held: str, there: str, free: bool) -> None:
    service = inventory(hold_ttl=timedelta(hours=1))
    await create_tables(database, service.metadata)
    async with asyncpg.create_pool(database, min_size=1, max_size=3, server_settings=READ_BY_INDEX) as pool:
        await pool.execute("INSERT INTO reservations VALUES ('o1', '[]', 1)")
        await pool.execute("INSERT INTO stock VALUES ('izmir', 'A', 1, 0, 0, 0, 0, 1)")
        async with PostgresStore(service, pool).begin() as transaction, pool.acquire() as other:
            async with other.transaction():
                await other.execute(f"SELECT FROM {held} FOR UPDATE")
                opening = asyncio.create_task(_both(transaction))
                await stuck(pool, 1)
                found = await other.fetch(f"SELECT 1 FROM {there} FOR UPDATE SKIP LOCKED")  # noqa: S608 - ours
                assert bool(found) == free
            reservations, stock = {"o1": Reservation("o1", ())}, {("izmir", "A"): Stock("izmir", "A", 1)}
            assert await opening == ([Verdict.FRESH], {Reservation: reservations, Stock: stock})


async def test_a_batch_that_nothing_stands_in_the_way_of_goes_to_the_database_and_back_four_times(
    database: str,
) -> None:
    begin, opening, save, commit = await asked_of(database, TALLY)
    assert (begin, commit) == ("BEGIN;", "COMMIT;")
    assert all(f"FROM {table}" in opening for table in ("claim", "parked", "dead_letters", "items", "tallies"))
    assert "write_0" in save


async def test_rows_that_a_row_names_are_loaded_table_by_table_after_that(database: str) -> None:
    _, opening, first, second, _, _ = await asked_of(database, FOLLOWING)
    assert ("FROM items" in opening, "FROM items" in first, "FROM tallies" in second) == (False, True, True)


async def asked_of(database: str, service: Service) -> Sequence[str]:
    """Return what a batch asks of PostgreSQL, once it knows what types there are."""
    asked: list[str] = []

    def note(logged: Any) -> None:
        asked.append(logged.query)

    async def listen(connection: Any) -> None:
        connection.add_query_logger(note)

    await create_tables(database, service.metadata)
    async with asyncpg.create_pool(database, min_size=1, max_size=1, setup=listen) as pool:
        bench = Bench(PostgresStore(service, pool))
        await bench.take(described("A"), described("B"), received("A", 2, "r1"))
        asked.clear()
        await bench.take(described("C"), received("A", 2, "r2"), received("B", 1, "r3"))
        # What follows is the pool's, which a member spares itself.
        batch = asked[: asked.index("COMMIT;") + 1]
        assert (await bench.pieces("A"), await bench.pieces("B")) == (4, 1)
    return batch


async def _both(transaction: Transaction) -> Any:
    return await transaction.open(NEW, [], [], {Reservation: ["o1"], Stock: [("izmir", "A")]})
