"""Returns run by the engine, in memory and on PostgreSQL."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.returns.domain.state import Handover, Purchase
from services.returns.service import returns
from services.returns.store import purchase_of
from shared.engine.memory import MemoryStore
from shared.engine.postgres import PostgresStore
from tests.unit.fulfilment.running import PATIENCE, Running, on_postgres
from tests.unit.returns.purchases import COLLECTED_AT, HAT, HAT_AT_HOME, SHIRTS, collected, placed, purchase, shirts

SERVICE = returns()


@pytest.fixture
def in_memory() -> Running:
    return Running(SERVICE, MemoryStore(SERVICE), COLLECTED_AT)


@pytest.fixture
async def in_postgres(database: str) -> AsyncIterator[Running]:
    async with on_postgres(SERVICE, database) as kept:
        yield Running(SERVICE, kept, COLLECTED_AT)


@pytest.fixture(params=["in_memory", "in_postgres"])
def books(request: pytest.FixtureRequest) -> Running:
    running = request.getfixturevalue(request.param)
    assert isinstance(running, Running)
    return running


async def kept(books: Running) -> Purchase | None:
    if isinstance(books.store, PostgresStore):
        return await purchase_of(books.store.pool, "order-1")
    assert isinstance(books.store, MemoryStore)
    return books.store.rows[Purchase].get("order-1")


async def test_what_the_customer_got_is_remembered_piece_by_piece(books: Running) -> None:
    assert await books.tell(placed(SHIRTS, HAT), collected(shirts=2)) == []
    assert await kept(books) == purchase(shirts(Handover("galata", 2, COLLECTED_AT)), HAT_AT_HOME)


async def test_a_collection_may_come_before_the_order(books: Running) -> None:
    await books.tell(collected(shirts=2))
    assert await kept(books) is None
    await books.tell(placed(SHIRTS, HAT))
    assert await kept(books) == purchase(shirts(Handover("galata", 2, COLLECTED_AT)), HAT_AT_HOME)


async def test_a_collection_of_an_order_that_never_comes_is_set_aside(books: Running) -> None:
    await books.tell(collected(shirts=2))
    set_aside = ["tekil.fulfilment.v1.returns.dlq: waited-too-long"]
    assert await books.wait_until(COLLECTED_AT + PATIENCE) == set_aside
    assert await kept(books) is None


async def test_a_collection_that_cannot_be_is_set_aside_and_changes_nothing(books: Running) -> None:
    await books.tell(placed(SHIRTS, HAT))
    assert await books.tell(collected(shirts=4)) == ["tekil.fulfilment.v1.returns.dlq: more-than-bought"]
    assert await kept(books) == purchase(shirts(), HAT_AT_HOME)


@pytest.mark.parametrize(
    ("wall", "statement"),
    [
        ("never_more_than_bought", "UPDATE purchase SET handed_over = 5"),
        ("buys_something", "UPDATE purchase SET quantity = 0, handed_over = 0"),
    ],
)
async def test_the_database_refuses_what_cannot_be(in_postgres: Running, wall: str, statement: str) -> None:
    await in_postgres.tell(placed(SHIRTS, HAT))
    assert isinstance(in_postgres.store, PostgresStore)
    with pytest.raises(asyncpg.CheckViolationError, match=wall):
        await in_postgres.store.pool.execute(statement)
