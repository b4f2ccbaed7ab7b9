"""The embedded PostgreSQL is a durable server that only we can enter."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.runtime.postgres import EmbeddedPostgres, create_databases


async def ask(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_what_was_committed_outlives_a_power_cut() -> None:
    with EmbeddedPostgres() as server:
        await ask(f"{server.url}/postgres", "CREATE TABLE sold (pieces int)")
        await ask(f"{server.url}/postgres", "INSERT INTO sold VALUES (3)")

        server.crash()
        server.start()

        assert await ask(f"{server.url}/postgres", "SELECT sum(pieces) FROM sold") == 3


async def test_it_is_as_durable_as_production() -> None:
    with EmbeddedPostgres() as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await ask(f"{server.url}/postgres", f"SELECT current_setting('{setting}')") == "on"


async def test_nobody_enters_without_the_password() -> None:
    with EmbeddedPostgres() as server:
        address = server.url.rpartition("@")[2]

        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(f"postgresql://tekil:guess@{address}/postgres", "SELECT 1")


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Not pytest's own: run by root, the server is another user, who may not enter that one."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


async def test_a_kept_directory_is_found_again(open_directory: Path) -> None:
    kept = open_directory / "kept"
    with EmbeddedPostgres(kept) as server:
        await create_databases(server.url, ["tekil_order"])

    with EmbeddedPostgres(kept) as server:
        assert await create_databases(server.url, ["tekil_order"]) == ()


def test_temporary_data_goes_with_the_server() -> None:
    with EmbeddedPostgres() as server:
        data = Path(asyncio.run(ask(f"{server.url}/postgres", "SELECT current_setting('data_directory')")))
        assert data.exists()

    assert not data.parent.exists()


async def test_only_missing_databases_are_created(postgres: str, database: str) -> None:
    known = database.rpartition("/")[2]

    assert await create_databases(postgres, [known, f'{known}_"odd"']) == (f'{known}_"odd"',)
    assert await create_databases(postgres, [known, f'{known}_"odd"']) == ()
