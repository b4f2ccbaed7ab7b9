"""Bringing a service's database to what the code declares. Forward only: the way back is a backup.

A database has two lanes of migrations with a history each: the engine's, the same everywhere, and the service's own.
Alembic runs them without an `env.py`: a migration is a module with a function `upgrade(op)`, and no `downgrade`.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

ENGINE_VERSIONS = Path(__file__).parent / "migrations" / "versions"
MIGRATION_LOCK = 5_318_008
"""The advisory lock under which a database is migrated, so that processes that start together do it once."""

Revisions = tuple[str, ...]


class DatabaseTooNew(RuntimeError):
    """The database was migrated by a newer Tekil than this one; the message says what to do."""


async def migrate(database: str, versions: Path) -> Revisions:
    """Apply what a database lacks of the engine's migrations and of a service's `versions`, in one transaction.

    Returns the revisions that were applied, none when there was nothing to do. Safe to repeat and to race.
    Raises DatabaseTooNew, and what asyncpg raises.
    """
    return await _in_transaction(database, partial(_apply, history=history(versions)))


async def lacking(database: str, versions: Path) -> Revisions:
    """Return the revisions that a database lacks. Raises DatabaseTooNew."""
    return await _in_transaction(database, partial(_missing, history=history(versions)))


@cache
def history(versions: Path) -> ScriptDirectory:
    """Return both lanes of a service's database."""
    return ScriptDirectory(versions, version_locations=[ENGINE_VERSIONS, versions])


async def _in_transaction(database: str, work: Callable[[Connection], Revisions]) -> Revisions:
    engine = create_async_engine(make_url(database).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except DBAPIError as error:
        # Whoever calls us speaks asyncpg, and gets its errors: two layers of SQLAlchemy's stand around them.
        raise (error.orig and error.orig.__cause__) or error from None


def _apply(connection: Connection, history: ScriptDirectory) -> Revisions:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    missing = _missing(connection, history)
    if missing:
        context = MigrationContext.configure(connection, opts={"fn": partial(_steps, history)})
        # Given as an argument and not by alembic's global `op`, so that databases can be migrated side by side.
        context.run_migrations(op=Operations(context))
    return missing


def _steps(history: ScriptDirectory, revisions: Any, _context: MigrationContext) -> Any:
    return history._upgrade_revs("heads", revisions)


def _missing(connection: Connection, history: ScriptDirectory) -> Revisions:
    applied = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in history.walk_revisions()}
    if unknown := sorted(set(applied) - known):
        raise DatabaseTooNew(
            f"The database {connection.engine.url.database} has migrations that this Tekil does not know "
            f"({', '.join(unknown)}): a newer one was here. Run that one, or restore a backup from before it."
        )
    found = history.revision_map.iterate_revisions("heads", applied, implicit_base=True)
    return tuple(script.revision for script in found)[::-1]
