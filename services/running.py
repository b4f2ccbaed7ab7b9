"""Running services for real: the servers that they stand on, and the processes that serve."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.registry import NAMES
from shared.engine.migrating import Revisions, migrate
from shared.runtime import topics
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.postgres import EmbeddedPostgres, create_databases
from shared.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the servers are. `postgres` is a base URL without a database, and holds a password."""

    bootstrap: str
    postgres: str = field(repr=False)
    running_on: str
    """What runs there, in words."""


@asynccontextmanager
async def servers(settings: Settings, *, embedded: bool = False) -> AsyncIterator[Addresses]:
    """Yield a Kafka and a PostgreSQL that are ready: topics there, databases there and migrated.

    They are those that are set; embedded ones where none is, or where `embedded` asks for them.
    """
    with _kafka(settings, embedded) as (bootstrap, kafka), _postgres(settings, embedded) as (postgres, database):
        await migrate_all(settings, postgres)
        yield Addresses(bootstrap=bootstrap, postgres=postgres, running_on=f"{kafka}; {database}")


@contextmanager
def _kafka(settings: Settings, embedded: bool) -> Iterator[tuple[str, str]]:
    if embedded or settings.kafka is None:
        with EmbeddedKafka(prefix=settings.topic_prefix) as kafka:
            yield kafka.bootstrap, kafka.source
    else:
        topics.apply(settings.kafka, prefix=settings.topic_prefix)
        yield settings.kafka, f"Kafka at {settings.kafka}"


@contextmanager
def _postgres(settings: Settings, embedded: bool) -> Iterator[tuple[str, str]]:
    if embedded or settings.postgres is None:
        with EmbeddedPostgres() as postgres:
            yield postgres.url, f"PostgreSQL from {postgres.source}"
    else:
        url = settings.postgres.get_secret_value()
        # Only what follows the last @ is shown: before it stands a password.
        yield url, f"PostgreSQL at {url.rpartition('@')[2].removeprefix('postgresql://')}"


async def migrate_all(settings: Settings, postgres: str) -> Mapping[str, Revisions]:
    """Create and migrate the database of every service on the server at a base URL.

    Returns the revisions that were applied, by service. Safe to repeat. Raises DatabaseTooNew.
    """
    databases = {name: settings.database(name) for name in NAMES}
    await create_databases(postgres, databases.values())
    applied = await asyncio.gather(
        *(migrate(f"{postgres}/{database}", versions(name)) for name, database in databases.items())
    )
    return dict(zip(databases, applied, strict=True))


def versions(service: str) -> Path:
    """Return the folder of a service's migrations."""
    return Path(__file__).parent / service / "migrations" / "versions"
