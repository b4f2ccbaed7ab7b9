"""What is kept in PostgreSQL can be read back, and the walls stand."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.inventory import store
from services.inventory.domain.state import Movement, Stock
from services.inventory.service import inventory
from shared.engine.postgres import PostgresStore
from shared.engine.store import Effects
from tests.store.databases import create_tables
from tests.unit.inventory.world import BOUGHT, HOLD_TTL, MUG, PEN, held, line_of_mugs, mugs, pens

ANKARA = Stock("ankara", "MUG", on_hand=-1, reserved=2)
RESERVATION = held(line_of_mugs("1", reserved=1, picked=1, issued=3, released=4, short=5), line_of_mugs("2", issued=1))
RECEIVED = Movement("a", "izmir", "MUG", 9, "received", "m-1", BOUGHT)
COLLECTED = Movement("b", "izmir", "MUG", -4, "collected", "m-2", BOUGHT + timedelta(1), order_id="o-1", line_id="1")
ADJUSTED = Movement("c", "ankara", "MUG", -1, "adjusted", "m-3", BOUGHT + timedelta(2))


def moved(*, change: int, cause: str = "counted", order: str = "NULL, NULL") -> str:
    """A statement that writes a movement of mugs past the service."""
    return f"INSERT INTO movements VALUES ('d', 'izmir', 'MUG', {change}, '{cause}', 'm-4', now(), {order})"  # noqa: S608 - ours


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A database in which something has happened, as the engine wrote it."""
    await create_tables(database, store.metadata)
    pool = await asyncpg.create_pool(database, min_size=1, max_size=1)
    kept = (mugs(on_hand=5, reserved=2, blocked=1, safety=1), pens(on_hand=0), ANKARA)
    effects = Effects(
        changed={Stock: {each.key: each for each in kept}, type(RESERVATION): {"o-1": RESERVATION}},
        appended={Movement: [RECEIVED, COLLECTED, ADJUSTED]},
    )
    async with PostgresStore(inventory(hold_ttl=HOLD_TTL), pool).begin() as transaction:
        await transaction.save(effects)
    await pool.close()
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def test_it_reads_what_was_kept(connection: asyncpg.Connection) -> None:
    assert await store.reservation_of(connection, "o-1") == RESERVATION
    assert await store.reservation_of(connection, "o-2") is None
    assert await store.stock_of(connection, location_id="ankara", sku="MUG") == ANKARA
    assert await store.stock_of(connection, location_id="ankara", sku="PEN") is None
    assert await store.on_hand(connection) == {MUG: 5, PEN: 0, ("ankara", "MUG"): -1}


async def test_stock_is_read_a_page_at_a_time(connection: asyncpg.Connection) -> None:
    izmir = [mugs(on_hand=5, reserved=2, blocked=1, safety=1), pens(on_hand=0)]
    assert await store.stock_at_location(connection, "izmir") == izmir
    assert await store.stock_at_location(connection, "izmir", after_sku="MUG") == izmir[1:]
    assert await store.stock_of_sku(connection, "MUG") == [ANKARA, izmir[0]]
    assert await store.stock_of_sku(connection, "MUG", after_location_id="ankara") == [izmir[0]]


async def test_movements_are_read_the_newest_first(connection: asyncpg.Connection) -> None:
    assert await store.movements_of_sku(connection, "MUG") == [ADJUSTED, COLLECTED, RECEIVED]
    assert await store.movements_of_sku(connection, "MUG", location_id="izmir") == [COLLECTED, RECEIVED]
    assert await store.movements_of_sku(connection, "MUG", limit=1) == [ADJUSTED]
    assert await store.movements_of_sku(connection, "PEN") == []


async def test_drift_names_where_the_books_disagree(connection: asyncpg.Connection) -> None:
    assert await store.drift(connection) == {("ankara", "MUG"): (0, 2)}
    await connection.execute("UPDATE stock SET reserved = 0, oversold = 1 WHERE location_id = 'ankara'")
    await connection.execute(moved(change=4))
    assert await store.drift(connection) == {MUG: (-4, 0)}
    await connection.execute("DELETE FROM stock WHERE sku = 'MUG'")
    assert await store.drift(connection) == {MUG: (-9, -2), ("ankara", "MUG"): (1, 0)}


WALLS = {
    "ck_stock_reserved_not_negative": "UPDATE stock SET reserved = -1 WHERE on_hand > 0",
    "ck_stock_blocked_not_negative": "UPDATE stock SET blocked = -1",
    "ck_stock_safety_not_negative": "UPDATE stock SET safety = -1",
    "ck_stock_oversold_declared": "UPDATE stock SET reserved = on_hand + 1 WHERE on_hand > 0",
    "ck_reservations_lines_listed": "UPDATE reservations SET lines = '{}'",
    "ck_reservations_pieces_not_negative": """UPDATE reservations SET lines = '[{"picked": -1}]'""",
    "ck_movements_something_moved": moved(change=0),
    "ck_movements_cause_known": moved(change=1, cause="lost"),
    "ck_movements_cause_of_order": moved(change=-1, cause="collected"),
    "ck_movements_line_of_order": moved(change=-1, cause="collected", order="'o-1', NULL"),
    "ck_movements_orders_take": moved(change=1, cause="collected", order="'o-1', '1'"),
}


async def test_a_bug_would_hit_a_wall(connection: asyncpg.Connection) -> None:
    for wall, statement in WALLS.items():
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(statement)
        assert refused.value.constraint_name == wall
    declared = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = ANY ($1::text[]::regclass[])",
        [rows.name for rows in store.ROWS],
    )
    assert {row["conname"] for row in declared} == set(WALLS)
