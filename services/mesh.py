"""All five services running together in one process, on a real bus and real databases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.registry import all_services, new_member
from shared.engine.engine import Clock
from shared.engine.message import Outgoing
from shared.engine.postgres import PostgresStore
from shared.engine.service import Service
from shared.runtime.settings import Settings

LOOK_AGAIN_S = 0.01
SETTLE_TIMEOUT_S = 120.0


class NotSettled(RuntimeError):
    """Something was still on its way when the time was up; the message says what."""


class Mesh:
    """The members of all services, and a view of the bus between them. With no members of its own it only watches."""

    def __init__(
        self, settings: Settings, *, bootstrap: str, postgres: str, clock: Clock | None = None, members: int = 1
    ) -> None:
        self.settings, self.bootstrap, self.postgres = settings, bootstrap, postgres
        self.services: tuple[Service, ...] = all_services(settings)
        self.members = [
            new_member(service, settings, bootstrap=bootstrap, postgres=postgres, clock=clock)
            for service in self.services
            for _ in range(members)
        ]

    def _database(self, service: Service) -> str:
        return f"{self.postgres}/{self.settings.database(service.name)}"

    async def start(self) -> None:
        """Start every member, and the clients that watch and feed the bus."""
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        self._observer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        self.producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True)
        self._stores = [
            PostgresStore(service, await asyncpg.create_pool(self._database(service), min_size=0, max_size=1))
            for service in self.services
        ]
        await asyncio.gather(self._admin.start(), self._observer.start(), self.producer.start())
        await asyncio.gather(*(member.start() for member in self.members))

    async def stop(self) -> None:
        """Stop every member, each after its batch in hand."""
        await asyncio.gather(*(member.stop() for member in self.members))
        await asyncio.gather(self._admin.close(), self._observer.stop(), self.producer.stop())
        await asyncio.gather(*(store.pool.close() for store in self._stores))

    @property
    def databases(self) -> dict[str, asyncpg.Pool]:
        """Connections for looking, by service; those of members plan as a batch needs it (decision 0021)."""
        return {store.service.name: store.pool for store in self._stores}

    async def publish(self, record: Outgoing) -> None:
        """Publish a record of the world outside, and wait until Kafka has it."""
        topic = self.settings.topic_prefix + record.topic
        await self.producer.send_and_wait(topic, record.value, key=record.key, headers=list(record.headers))

    async def ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """Return the end offset of every partition of these topics, named without their prefix."""
        names = [self.settings.topic_prefix + topic for topic in topics]
        partitions: set[int] | None
        wanted = []
        for name in names:
            partitions = self._observer.partitions_for_topic(name) or await self._partitions(name)
            wanted += [TopicPartition(name, partition) for partition in sorted(partitions)]
        ends: dict[TopicPartition, int] = await self._observer.end_offsets(wanted)
        return ends

    async def _partitions(self, topic: str) -> set[int]:
        await self._observer._client._wait_on_metadata(topic)
        return set(self._observer.partitions_for_topic(topic) or ())

    async def pending(self) -> dict[str, int]:
        """Return what is on its way, by service: records not consumed, and events not published."""
        pending = {}
        for store in self._stores:
            service = store.service
            ends = await self.ends(service.topics)
            group = f"{self.settings.topic_prefix}tekil.{service.name}"
            committed = await self._admin.list_consumer_group_offsets(group, partitions=list(ends))
            behind = sum(end - max(0, at.offset if (at := committed.get(tp)) else 0) for tp, end in ends.items())
            if behind:
                pending[f"{service.name}: records to consume"] = behind
            if waiting := await store.unpublished():
                pending[f"{service.name}: events to publish"] = waiting
        return pending

    async def settle(self, timeout_s: float = SETTLE_TIMEOUT_S) -> None:
        """Wait until nothing is on its way.

        An event may slip past one look, from a place not yet looked at to one already seen empty; but then a topic has
        grown meanwhile. So two looks must find nothing, and no topic grown between them. Raises NotSettled.
        """
        loop = asyncio.get_running_loop()
        until, before = loop.time() + timeout_s, -1
        while True:
            pending, published = await self.pending(), await self.published()
            if not pending and published == before:
                return
            if loop.time() > until:
                raise NotSettled(f"still on its way after {timeout_s:.0f} s: {pending}")
            before = published
            if pending:
                await asyncio.sleep(LOOK_AGAIN_S)

    async def published(self) -> int:
        """Return how many records all the topics that services consume have ever held."""
        topics = sorted({topic for service in self.services for topic in service.topics})
        return sum((await self.ends(topics)).values())

    async def tick(self) -> None:
        """Let every service decide about what has fallen due, and wait until what follows has settled."""
        for service in self.services:
            member = next(member for member in self.members if member.service is service)
            await member.tick()
        await self.settle()

    async def next_time(self) -> datetime | None:
        """Return when something falls due next, in any service."""
        times = [await store.next_time() for store in self._stores]
        return min((moment for moment in times if moment is not None), default=None)


@asynccontextmanager
async def running(mesh: Mesh) -> AsyncIterator[Mesh]:
    """Start a mesh and stop it at the end."""
    await mesh.start()
    try:
        yield mesh
    finally:
        await mesh.stop()
