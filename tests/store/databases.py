"""Tables as they are declared, for tests that need no migrations."""

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine


async def create_tables(url: str, metadata: MetaData) -> None:
    """Create all that is declared."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
