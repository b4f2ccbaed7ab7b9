"""A place of its own for a test: topics after a prefix, databases, and members that a test starts and kills."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from services.registry import NAMES
from services.running import migrate_all
from shared.engine.member import Limits, Member
from shared.engine.message import Outgoing
from shared.engine.service import Service
from shared.runtime.settings import Settings
from shared.runtime.topics import Topic, apply
from tests.mesh import bus
from tests.store.databases import create_tables
from tests.store.tally import TALLY

SETTINGS = Settings(pickup_secret=SecretStr("the secret of the mesh tests"))
TALLY_TOPICS = ("tekil.reference.v1", "tekil.operations.v1", "tekil.inventory.v1")
PATIENCE_S = 30.0
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""What every clock says that a test does not move."""
QUICK = Limits(tick_interval_s=0.05, backoff_min_s=0.05, backoff_max_s=0.5, finish_timeout_s=1.0)


@dataclass(frozen=True)
class Place:
    """Where services run. `databases` are URLs by service name."""

    bootstrap: str
    prefix: str
    databases: Mapping[str, str] = field(repr=False)

    @property
    def settings(self) -> Settings:
        """The settings of services here."""
        return SETTINGS.model_copy(
            update={
                "topic_prefix": self.prefix,
                "postgres_prefix": self.databases["order"].rpartition("/")[2].removesuffix("order"),
            }
        )

    @property
    def postgres(self) -> str:
        """The base URL of its databases' server."""
        return self.databases["order"].rpartition("/")[0]

    def member(self, service: Service, *, limits: Limits = QUICK, **given: Any) -> Member:
        """Return a member of a service that was not started yet."""
        return Member(
            service,
            database=self.databases[service.name],
            bootstrap=self.bootstrap,
            prefix=self.prefix,
            limits=limits,
            **{"clock": lambda: NOON, **given},
        )

    async def publish(self, *records: Outgoing, partition: int | None = None) -> None:
        """Publish records of the world outside."""
        await bus.publish(self.bootstrap, records, prefix=self.prefix, partition=partition)

    async def published(self, *topics: str) -> list[ConsumerRecord]:
        """Return all that lies on these topics, named without the prefix."""
        return await bus.records_of(self.bootstrap, [self.prefix + topic for topic in topics])

    async def fetch(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask a service's database."""
        connection = await asyncpg.connect(self.databases[service])
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()

    async def value(self, service: str, query: str, *arguments: Any) -> Any:
        """Ask a service's database for one value."""
        [row] = await self.fetch(service, query, *arguments)
        return row[0]

    async def committed(self, service: str) -> dict[tuple[str, int], int]:
        """Return the offsets that a service's group has committed, by topic without its prefix and partition."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(f"{self.prefix}tekil.{service}")
        finally:
            await admin.close()
        return {(at.topic.removeprefix(self.prefix), at.partition): found.offset for at, found in offsets.items()}


async def tekil_place(kafka: str, postgres: str, prefix: str = "") -> Place:
    """Create what the five services need on a Kafka and a PostgreSQL."""
    named = "".join(character for character in prefix if character.isalnum())
    settings = SETTINGS.model_copy(update={"topic_prefix": prefix, "postgres_prefix": f"tekil_{named}_"})
    apply(kafka, prefix=prefix)
    await migrate_all(settings, postgres)
    return Place(kafka, prefix, {name: f"{postgres}/{settings.database(name)}" for name in NAMES})


async def tally_place(kafka: str, database: str, prefix: str = "") -> Place:
    """Create what the tally service, the smallest there is, needs on a Kafka and in a database."""
    apply(kafka, prefix=prefix, topics=tally_topics())
    await create_tables(database, TALLY.metadata)
    return Place(kafka, prefix, {TALLY.name: database})


def tally_topics() -> list[Topic]:
    """Return the topics that the tally service reads and writes."""
    letters = [f"{name}.{TALLY.name}.dlq" for name in TALLY_TOPICS[:2]]
    partitions = {**dict.fromkeys(TALLY_TOPICS, 3), **dict.fromkeys(letters, 1)}
    return [
        Topic(name=name, partitions=number, cleanup="delete", retention_days=14) for name, number in partitions.items()
    ]


@asynccontextmanager
async def running(*members: Member) -> AsyncIterator[None]:
    """Start members, and stop them at the end."""
    await asyncio.gather(*(member.start() for member in members))
    try:
        yield
    finally:
        await asyncio.gather(*(member.stop() for member in members))


async def eventually(check: Callable[[], Awaitable[Any]], wanted: Any = True, timeout_s: float = PATIENCE_S) -> None:
    """Wait until a check gives what is wanted. Fails with what it gave last."""
    until = time.monotonic() + timeout_s
    while (found := await check()) != wanted:
        assert time.monotonic() < until, f"after {timeout_s:g} s it is {found!r}, not {wanted!r}"
        await asyncio.sleep(0.02)
