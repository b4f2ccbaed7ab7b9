"""The engine's promises are kept by two stores: a test that takes a bench runs on each."""

from collections.abc import AsyncIterator

import pytest

from shared.engine.memory import MemoryStore
from shared.engine.postgres import PostgresStore
from tests.store.bench import Bench, tally_pool
from tests.store.tally import TALLY


@pytest.fixture(params=["memory", "postgres"])
async def bench(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield Bench(MemoryStore(TALLY))
        return
    async with tally_pool(database) as pool:
        yield Bench(PostgresStore(TALLY, pool))
