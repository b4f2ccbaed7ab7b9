"""The replay's end of the bus: what it says, never faster than Tekil can hear, and what it hears."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.mesh import Mesh
from services.replay.said import Said
from shared.events import fulfilment, order
from shared.runtime.topics import load

ON_THE_WAY_MAX = 2_000
"""Records that the slowest service may have before it: the embedded Kafka forgets beyond 5 MB a partition, and an order
of a hundred lines is told in 20 KB, several times."""
CHUNK_MAX = 500
LOOK_AGAIN_S = 0.05
HEEDED_TIMEOUT_S = 120.0


class NotHeeded(RuntimeError):
    """What was said was not consumed in time."""


class Wire:
    """Says records and hears what the services publish about orders."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._prefix = mesh.settings.topic_prefix
        dead_letters = (topic.name for topic in load().all_topics() if topic.name.endswith(".dlq"))
        self._topics = [order.TOPIC, fulfilment.TOPIC, *dead_letters]
        self._heard: dict[TopicPartition, int] = {}
        self._said: dict[TopicPartition, int] = {}
        self.records_said = 0

    async def open(self) -> None:
        """Begin to hear at what comes next."""
        self._heard = await self._mesh.ends(self._topics)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._mesh.bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._mesh.bootstrap, enable_auto_commit=False)
        await asyncio.gather(self._admin.start(), self._consumer.start())
        self._consumer.assign(list(self._heard))
        for partition, offset in self._heard.items():
            self._consumer.seek(partition, offset)

    async def close(self) -> None:
        """Hear no more."""
        await asyncio.gather(self._admin.close(), self._consumer.stop())

    async def say(self, said: Iterable[Said]) -> Mapping[TopicPartition, int]:
        """Publish in order, as there is room on the way; return how far everything that was ever said reaches."""
        waiting = iter(said)
        while True:
            room = min(CHUNK_MAX, await self._room())
            if room <= 0:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            chunk = list(islice(waiting, room))
            await self.say_at_once(chunk)
            if len(chunk) < room:
                return dict(self._said)

    async def say_at_once(self, said: Sequence[Said]) -> None:
        """Publish in order, and wait until Kafka has it. What reacts need not ask for room: it empties the way."""
        records = [each.record() for each in said]
        send = self._mesh.producer.send
        acknowledged = [
            await send(self._prefix + record.topic, record.value, key=record.key, headers=list(record.headers))
            for record in records
        ]
        for where in await asyncio.gather(*acknowledged):
            self._said[TopicPartition(where.topic, where.partition)] = where.offset + 1
        self.records_said += len(records)

    async def heeded(self, said: Mapping[TopicPartition, int]) -> None:
        """Wait until every service has taken into effect what was said up to there. Raises NotHeeded."""
        loop = asyncio.get_running_loop()
        until = loop.time() + HEEDED_TIMEOUT_S
        while not await self._is_heeded(said):
            if loop.time() > until:
                raise NotHeeded(f"not consumed after {HEEDED_TIMEOUT_S:.0f} s: {await self._mesh.pending()}")
            await asyncio.sleep(LOOK_AGAIN_S)

    async def hear(self, take: Callable[[Sequence[Any]], Any]) -> None:
        """Hand what was published since to `take`, then count it as heard."""
        for partition, found in (await self._consumer.getmany(timeout_ms=100)).items():
            await take(found)
            self._heard[partition] = found[-1].offset + 1

    async def nothing_unheard(self) -> bool:
        """Say whether all that was published was heard."""
        return await self._unheard() == 0

    async def _unheard(self) -> int:
        ends = await self._mesh.ends(self._topics)
        return sum(ends[partition] - offset for partition, offset in self._heard.items())

    async def _room(self) -> int:
        pending = await self._mesh.pending()
        return ON_THE_WAY_MAX - max(*pending.values(), await self._unheard(), 0)

    async def _is_heeded(self, said: Mapping[TopicPartition, int]) -> bool:
        for service in self._mesh.services:
            topics = {self._prefix + topic for topic in service.topics}
            ours = {at: offset for at, offset in said.items() if at.topic in topics}
            group = f"{self._prefix}tekil.{service.name}"
            committed = await self._admin.list_consumer_group_offsets(group, partitions=list(ours))
            if any(committed[at].offset < offset for at, offset in ours.items()):
                return False
        return True
