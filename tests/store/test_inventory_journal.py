"""The journal of stock in PostgreSQL: a movement that is written stays."""

import asyncpg
import pytest

from services.inventory import store
from tests.store.databases import create_tables


@pytest.mark.parametrize(
    "statement", ["UPDATE movements SET change_quantity = 8", "DELETE FROM movements", "TRUNCATE movements"]
)
async def test_the_database_refuses_to_change_a_movement(database: str, statement: str) -> None:
    await create_tables(database, store.metadata)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("INSERT INTO movements VALUES ('a', 'izmir', 'mug', 9, 'received', 'm-1', now())")
        with pytest.raises(asyncpg.exceptions.RestrictViolationError, match="correct it by another movement"):
            await connection.execute(statement)
        assert await connection.fetchval("SELECT sum(change_quantity) FROM movements") == 9
    finally:
        await connection.close()
