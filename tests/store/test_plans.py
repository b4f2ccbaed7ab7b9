"""How PostgreSQL carries out what a store asks: by key, whatever it believed of the tables when it made its plans."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from services.inventory.domain.state import Stock
from services.inventory.service import inventory
from shared.engine.letters import Letter
from shared.engine.message import Message, read
from shared.engine.postgres import LOOKED_AT_MAX, READ_BY_INDEX, PostgresStore, PostgresTransaction
from shared.engine.service import Service
from shared.engine.store import Claim, DeadlineSet, Effects, Parked, Verdict, Wait
from shared.events.catalogue import CATALOGUE
from tests.store.bench import NOON, received, stuck, tally_pool
from tests.store.databases import create_tables
from tests.store.tally import TALLY, Item, Tally

Look = Callable[[], Awaitable[Any]]

STORED = 20_000
"""Of everything. A plan that reads through a table, or an index, takes as many."""
ASKED = range(100, 110)
TAKEN_MAX = 20 * len(ASKED)
"""Rows and entries of indexes, for those that are named."""
RESTLESS_MAX = 4 * LOOKED_AT_MAX
"""The same for a tick that looks at parked messages."""
KEYS = [f"k{number}" for number in ASKED]

_FILL = (
    "INSERT INTO items SELECT 'k' || n, 'an item', 1 FROM generate_series(1, $1::int) AS n",
    "INSERT INTO tallies SELECT 'k' || n, 1, 1 FROM generate_series(1, $1::int) AS n",
    "INSERT INTO inbox SELECT '/test', 'k' || n, 1, now() FROM generate_series(1, $1::int) AS n",
    "INSERT INTO deadlines SELECT 'audit', 'k' || n, $2, 'm', '' FROM generate_series(1, $1::int) AS n",
    """INSERT INTO parked (wait_kind, wait_key, stream, until, since, topic, partition, record_offset, timestamp_ms,
            headers)
        SELECT 'Item', 'w' || n, 's' || n, $2, $2, 'topic', 0, n, 0, '\\x90'::bytea
        FROM generate_series(1, $1::int) AS n""",
    """INSERT INTO dead_letters (id, state, attempts, topic, partition, record_offset, timestamp_ms, type, headers,
            reason, detail, handler, claimed, first_failed_at, failed_at, holds)
        SELECT 'k' || n, 'retrying', 1, 'topic', 0, n, 0, 'type', '\\x90'::bytea, 'reason', '', '', false, $2, $2,
            's' || n
        FROM generate_series(1, $1::int) AS n""",
)
_TAKEN = """
    SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)
"""


async def test_what_is_named_is_looked_up_by_key_even_where_all_was_empty_when_it_was_planned(database: str) -> None:
    async with tally_pool(database, size=1) as pool:
        await pool.execute("VACUUM ANALYZE")
        looks: dict[str, Look] = {name: partial(_undone, pool, look) for name, look in _named().items()}
        looks |= _looks(pool)
        for look in looks.values():
            await look()
        for statement in _FILL:
            await pool.execute(statement, STORED, *([NOON] if "$2" in statement else []))
        taken = {name: await _taken(pool, look) for name, look in looks.items()}
        assert taken["load"] >= len(ASKED), "else nothing was counted"
        assert taken["open"] >= 2 * len(ASKED), "else nothing was loaded"
        assert taken.pop("restless") <= RESTLESS_MAX
        assert {name: rows for name, rows in taken.items() if rows > TAKEN_MAX} == {}


async def test_so_are_rows_whose_key_has_two_columns(database: str) -> None:
    service, keys = inventory(hold_ttl=timedelta(hours=1)), [("izmir", key) for key in KEYS]
    await create_tables(database, service.metadata)
    async with asyncpg.create_pool(database, min_size=1, max_size=1, server_settings=READ_BY_INDEX) as pool:
        await pool.execute("VACUUM ANALYZE")
        loads: Sequence[Callable[[PostgresTransaction], Awaitable[Any]]] = (
            lambda it: it.load(service.rows_of[Stock], keys),
            lambda it: it.open([Claim("/test", "new", 1)], [], [], {Stock: keys}),
        )
        looks = [partial(_undone, pool, load, service=service) for load in loads]
        for look in looks:
            await look()
        await pool.execute(
            "INSERT INTO stock SELECT 'izmir', 'k' || n, 1, 0, 0, 0, 0, 1 FROM generate_series(1, $1::int) AS n", STORED
        )
        assert all([len(ASKED) <= await _taken(pool, look) <= TAKEN_MAX for look in looks])


async def by_load(transaction: PostgresTransaction, keys: Sequence[str]) -> Any:
    return await transaction.load(TALLY.rows_of[Tally], keys)


async def by_open(transaction: PostgresTransaction, keys: Sequence[str]) -> Any:
    verdicts, loaded = await transaction.open([Claim("/test", "new", 1)], [], [], {Tally: keys})
    assert verdicts == [Verdict.FRESH]
    assert loaded is not None
    return loaded[Tally]


@pytest.mark.parametrize("ask", [by_load, by_open])
async def test_who_waited_for_a_lock_gets_the_row_as_it_is_then_and_may_change_it(database: str, ask: Any) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        await pool.execute("INSERT INTO tallies VALUES ('A', 1, 1)")
        async with PostgresStore(TALLY, pool).begin() as transaction:
            async with other.transaction():
                await other.execute("UPDATE tallies SET pieces = 2, version = 2")
                asking = asyncio.create_task(ask(transaction, ["A"]))
                await stuck(pool, 1)
            assert await asking == {"A": Tally("A", 2)}
            await transaction.save(Effects(changed={Tally: {"A": Tally("A", 3)}}))
        assert await pool.fetchval("SELECT pieces FROM tallies") == 3


@pytest.mark.parametrize("ask", [by_load, by_open])
async def test_rows_are_locked_in_the_order_of_their_keys(database: str, ask: Any) -> None:
    async with tally_pool(database) as pool, pool.acquire() as other:
        await pool.execute("INSERT INTO tallies VALUES ('B', 1, 1), ('A', 1, 1)")
        async with PostgresStore(TALLY, pool).begin() as transaction:
            async with other.transaction():
                await other.execute("SELECT FROM tallies WHERE sku = 'A' FOR UPDATE")
                asking = asyncio.create_task(ask(transaction, ["B", "A"]))
                await stuck(pool, 1)
                await other.execute("SELECT FROM tallies WHERE sku = 'B' FOR UPDATE NOWAIT")
            assert [*(await asking).items()] == [("A", Tally("A", 1)), ("B", Tally("B", 1))]


def _named() -> Mapping[str, Callable[[PostgresTransaction], Awaitable[Any]]]:
    """What a transaction asks of the rows that a batch, or a tick, names."""
    items, tallies = TALLY.rows_of[Item], TALLY.rows_of[Tally]
    waits, streams = [Wait(Item, f"w{number}") for number in ASKED], [f"s{number}" for number in ASKED]
    deadlines = [DeadlineSet("audit", key, NOON, "m", "") for key in KEYS]
    message = read(received("A", 1, "r1"), handled=TALLY.handled, known=CATALOGUE)
    assert isinstance(message, Message)
    letters = [Letter(message.raw, "type", "reason", "", "", claimed=False, first_failed_at=NOON, failed_at=NOON)]
    later = NOON + timedelta(hours=1)
    moved = [Parked(message, Wait(Item, "other"), later, number) for number in ASKED]
    return {
        "open": lambda it: it.open(
            [Claim("/new", key, 1) for key in KEYS],
            [Wait(Item, key) for key in KEYS],
            [f"other {key}" for key in KEYS],
            {Item: KEYS, Tally: KEYS},
        ),
        "load": lambda it: it.load(tallies, KEYS),
        "load what is not locked": lambda it: it.load(items, KEYS),
        "claim what repeats": lambda it: it.claim([Claim("/test", key, 1) for key in KEYS]),
        "is clear": lambda it: it.is_clear(waits, streams),
        "is clear where nothing stands": lambda it: it.is_clear(
            [Wait(Item, key) for key in KEYS], [f"other {key}" for key in KEYS]
        ),
        "holding": lambda it: it.holding(streams),
        "waiting": lambda it: it.waiting(waits, streams, len(ASKED), impatient_at=NOON),
        "letters": lambda it: it.letters(KEYS),
        "take": lambda it: it.take(deadlines),
        "save rows": partial(_change, keys=KEYS),
        "save letters": lambda it: it.save(Effects(letters=letters)),
        "save deadlines that are set": lambda it: it.save(Effects(deadlines={(d.name, d.key): d for d in deadlines})),
        "save deadlines that are gone": lambda it: it.save(Effects(deadlines={("audit", key): None for key in KEYS})),
        "save what is unparked": lambda it: it.save(Effects(unparked=list(ASKED))),
        "save what waits for something else": lambda it: it.save(Effects(moved=moved)),
        "save letters that are closed": lambda it: it.save(Effects(closed=dict.fromkeys(KEYS, "decided"))),
    }


def _looks(pool: asyncpg.Pool) -> Mapping[str, Look]:
    """What the leader looks for in each tick."""
    store = PostgresStore(TALLY, pool)
    return {
        "due": lambda: store.due(NOON, len(ASKED)),
        "retrying": lambda: store.retrying(len(ASKED)),
        "next time": store.next_time,
        "restless": lambda: store.restless(NOON, len(ASKED)),
    }


async def _change(transaction: PostgresTransaction, *, keys: list[str]) -> None:
    await transaction.load(TALLY.rows_of[Tally], keys)
    await transaction.save(Effects(changed={Tally: {key: Tally(key, 2) for key in keys}}))


async def _undone(
    pool: asyncpg.Pool, look: Callable[[PostgresTransaction], Awaitable[Any]], *, service: Service = TALLY
) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await look(PostgresTransaction(PostgresStore(service, pool), connection))
        await transaction.rollback()


async def _taken(pool: asyncpg.Pool, look: Look) -> int:
    """Return how many rows and entries of indexes something takes."""
    before = await _rows_taken(pool)
    await look()
    return await _rows_taken(pool) - before


async def _rows_taken(pool: asyncpg.Pool) -> int:
    await pool.execute("SELECT pg_stat_force_next_flush()")
    rows: int = await pool.fetchval(_TAKEN)
    return rows
