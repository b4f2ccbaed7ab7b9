"""The migrations make what the stores declare, once, whoever asks and however often."""

import asyncio
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from services.registry import NAMES
from services.running import versions
from shared.engine.migrating import DatabaseTooNew, history, lacking, migrate
from shared.runtime.postgres import create_databases
from tests.store.databases import create_tables

CATALOGUE = {
    "table": """
        SELECT relname, reloptions::text, obj_description(oid, 'pg_class') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    """,
    "column": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attidentity::text,
            pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef
        ON (adrelid, adnum) = (attrelid, attnum)
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    """,
    "constraint": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    """,
    "index": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "trigger": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    """,
    "function": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
}
"""What PostgreSQL says of a database, in its own words."""


def declared(service: str) -> MetaData:
    metadata: MetaData = import_module(f"services.{service}.store").metadata
    return metadata


async def catalogue(database: str) -> set[tuple[str, ...]]:
    connection = await asyncpg.connect(database)
    try:
        rows = [(part, *row) for part, query in CATALOGUE.items() for row in await connection.fetch(query)]
    finally:
        await connection.close()
    # Indentation is not meaning: a function may stand deeper in the migration than in the store.
    return {tuple(" ".join(str(value).split()) for value in row) for row in rows if row[1] != "alembic_version"}


def unwritten(connection: Connection, metadata: MetaData) -> str:
    context = MigrationContext.configure(connection)
    return str(render_python_code(produce_migrations(context, metadata).upgrade_ops))  # type: ignore[arg-type]


@pytest.mark.parametrize("service", NAMES)
async def test_a_migrated_database_is_the_declared_one(service: str, database: str) -> None:
    await migrate(database, versions(service))
    await create_databases(database.rsplit("/", 1)[0], [f"{database.rsplit('/', 1)[1]}_declared"])
    await create_tables(f"{database}_declared", declared(service))
    assert await catalogue(database) == await catalogue(f"{database}_declared")


@pytest.mark.parametrize("service", NAMES)
async def test_a_migration_that_is_still_to_be_written_is_told_in_alembics_words(service: str, database: str) -> None:
    await migrate(database, versions(service))
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        operations = await connection.run_sync(unwritten, declared(service))
    await engine.dispose()
    assert "    pass" in operations, operations


async def test_a_second_time_there_is_nothing_to_do(database: str) -> None:
    assert set(await migrate(database, versions("order"))) == {"engine_0001", "engine_0002", "order_0001"}
    assert await migrate(database, versions("order")) == ()


async def test_processes_that_start_together_migrate_once(database: str) -> None:
    applied = await asyncio.gather(*(migrate(database, versions("attribution")) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 4]


async def test_a_service_can_ask_what_its_database_lacks(database: str) -> None:
    assert set(await lacking(database, versions("returns"))) == {
        "engine_0001",
        "engine_0002",
        "returns_0001",
        "returns_0002",
    }
    await migrate(database, versions("returns"))
    assert await lacking(database, versions("returns")) == ()


async def test_a_database_that_is_newer_than_the_code_is_left_alone(database: str) -> None:
    await migrate(database, versions("order"))
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = 'order_9999' WHERE version_num LIKE 'order%'")
    await connection.close()
    with pytest.raises(DatabaseTooNew, match=r"does not know \(order_9999\): a newer one was here"):
        await migrate(database, versions("order"))
    with pytest.raises(DatabaseTooNew):
        await lacking(database, versions("order"))


async def test_a_migration_that_fails_leaves_nothing_behind(database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_broken.py").write_text(
        "revision, down_revision = 'broken_0001', None\n"
        "def upgrade(op):\n"
        "    op.execute('CREATE TABLE half_done ()')\n"
        "    op.execute('CREATE TABLE half_done ()')\n"
    )
    with pytest.raises(Exception, match="half_done"):
        await migrate(database, tmp_path)
    assert await catalogue(database) == set()


@pytest.mark.parametrize("service", NAMES)
def test_migrations_go_forward_only(service: str) -> None:
    assert not [each.path for each in history(versions(service)).walk_revisions() if hasattr(each.module, "downgrade")]
