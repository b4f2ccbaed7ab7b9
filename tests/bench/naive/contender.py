"""The plain services as a contender, and their databases.

The services themselves do not import this: what Tekil changes in aiokafka is not for them.
"""

import asyncio
import sys
from functools import partial

from sqlalchemy.ext.asyncio import create_async_engine

from shared.runtime.postgres import create_databases
from tests.bench.contender import Contender
from tests.bench.ground import Ground
from tests.bench.naive.services import PLAIN
from tests.bench.naive.shell import Base, Inbox, Outbox


async def _create(contender: Contender, ground: Ground) -> None:
    await create_databases(ground.postgres, [contender.database(name) for name in PLAIN])
    for name, service in PLAIN.items():
        base = ground.postgres.replace("postgresql://", "postgresql+asyncpg://")
        engine = create_async_engine(f"{base}/{contender.database(name)}")
        kinds: tuple[type[Base], ...] = (Inbox, Outbox, *service.tables)
        tables = [Base.metadata.tables[kind.__tablename__] for kind in kinds]
        async with engine.begin() as connection:
            await connection.run_sync(partial(Base.metadata.create_all, tables=tables))
        await engine.dispose()


NAIVE = Contender(
    name="naive",
    command=lambda service: [sys.executable, "-m", "tests.bench.naive", service],
    ready="ready",
    create=lambda contender, ground: asyncio.run(_create(contender, ground)),
)
