"""Consuming through FastStream: a batch of raw records in, offsets committed after the database has committed.

Not for each batch, but a few times a second: what was decided and not committed comes again, and the inbox knows it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.engine import fetching, unpacking
from shared.engine.message import Raw
from shared.engine.metrics import Metrics
from shared.engine.pausing import pause
from shared.kernel.value import replace

MAX_POLL_INTERVAL_MS = 30 * 60_000
"""How long a batch may be in hand, waiting for a database that is away, before Kafka gives its partitions to others."""
SESSION_TIMEOUT_MS = 10_000
COMMIT_EVERY_S, COMMIT_PATIENCE_S = 0.2, 2.0
log = structlog.get_logger()
fetching.repair()
unpacking.repair()


def _last_offsets(records: Iterable[Raw]) -> dict[TopicPartition, int]:
    """Return where the last of these records lies in each partition."""
    found = {(each.topic, each.partition): each.offset for each in records}
    return {TopicPartition(*partition): offset for partition, offset in found.items()}


def _first_offsets(records: Iterable[Raw]) -> dict[TopicPartition, int]:
    """Return where the first of these records lies in each partition."""
    found: dict[tuple[str, int], int] = {}
    for each in records:
        found.setdefault((each.topic, each.partition), each.offset)
    return {TopicPartition(*partition): offset for partition, offset in found.items()}


async def _unparsed(records: Any) -> KafkaMessage:
    """Wrap records as they are: FastStream's own parser loses a batch that has one null or non-UTF-8 header."""
    return KafkaMessage(body=b"", raw_message=records, headers={}, consumer=None)  # type: ignore[arg-type]


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of a service's consumer group. `take` gets each batch and returns once it has taken effect."""

    def __init__(
        self,
        group: str,
        topics: Sequence[str],
        take: Callable[[Sequence[Raw]], Awaitable[None]],
        *,
        bootstrap: str,
        prefix: str,
        batch_max: int,
        batch_interval_s: float,
        fetch_wait_ms: int,
        finish_timeout_s: float,
        metrics: Metrics,
    ) -> None:
        self._take, self._prefix, self._metrics = take, prefix, metrics
        self._interval_s, self._stopping = batch_interval_s, asyncio.Event()
        self._in_hand = asyncio.Lock()
        self._taking, self._heard_at = False, 0.0
        self._taken: dict[TopicPartition, int] = {}
        """How far all has taken effect: the offset of what comes next."""
        self._committed: dict[TopicPartition, int] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._broker = KafkaBroker(
            bootstrap,
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            client_id=f"tekil-{group}",
            graceful_timeout=finish_timeout_s,
        )
        self._subscriber = self._broker.subscriber(
            *[prefix + topic for topic in topics],
            batch=True,
            group_id=f"{prefix}tekil.{group}",
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            max_records=batch_max,
            batch_timeout_ms=fetching.EMPTY_POLL_MS,
            fetch_max_wait_ms=fetch_wait_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            listener=self,
            parser=_unparsed,
            decoder=_undecoded,
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group and begin to consume. Raises KafkaError, after which it can be tried again."""
        try:
            await self._broker.start()
        except BaseException:
            await self._broker.stop()
            raise
        self._in_background(self._commit_forever())

    async def stop(self) -> None:
        """Finish the batch in hand, unless that takes longer than `finish_timeout_s`, and leave the group."""
        self._stopping.set()
        if not self._in_hand.locked():
            await self._commit(COMMIT_PATIENCE_S)
        await self._broker.stop()
        for task in self._background:
            task.cancel()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _handle(self, records: Sequence[Raw]) -> None:
        """Take a batch into effect, and let the next one gather where no more is known to be there.

        A rebalance waits meanwhile, so that nobody else begins on it; one that came just before has its records taken
        twice, by us and by whom they belong to now.
        """
        began = time.monotonic()
        async with self._in_hand:
            if self._stopping.is_set():
                return
            self._note_what_is_in_hand(records)
            self._taking = True
            try:
                await self._take(self._without_prefix(records))
            finally:
                self._taking, self._heard_at = False, time.time()
            self._taken.update((partition, offset + 1) for partition, offset in _last_offsets(records).items())
            if self._stopping.is_set():
                await self._commit(COMMIT_PATIENCE_S)
        if not any(self.lag().values()):
            await pause(began + self._interval_s - time.monotonic(), until=self._stopping)

    def _without_prefix(self, records: Sequence[Raw]) -> Sequence[Raw]:
        if not self._prefix:
            return records
        return [replace(each, topic=each.topic.removeprefix(self._prefix)) for each in records]

    def _note_what_is_in_hand(self, records: Sequence[Raw]) -> None:
        """Know from the first batch on how far a partition lags: most of all when that batch has to wait."""
        for partition, offset in _first_offsets(records).items():
            self._committed.setdefault(partition, self._taken.setdefault(partition, offset))

    async def _commit_forever(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            await self._commit()

    async def _commit(self, patience_s: float | None = None) -> None:
        """Commit what has taken effect, and wait for it, but no longer than some seconds where they are given.

        What takes longer goes on, since Kafka may be away: aiokafka tries again by itself, and bears no cancelling.
        """
        await asyncio.wait({self._in_background(self._commit_what_is_ours())}, timeout=patience_s)

    async def _commit_what_is_ours(self) -> None:
        """Commit. A failure costs a second delivery and no more, which the inbox absorbs.

        A partition that is ours no more is left out: Kafka would refuse all for its sake.
        """
        consumer, assigned = self._subscriber.consumer, self.assigned
        offsets = {
            each: offset
            for each, offset in self._taken.items()
            if each in assigned and self._committed.get(each) != offset
        }
        if consumer is None or not offsets:
            return
        try:
            await consumer.commit(offsets)
        except Exception as error:
            log.info("offsets not committed; the records will come again", cause=type(error).__name__)
        else:
            self._committed.update(offsets)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Hold the rebalance until the batch in hand has taken effect and is committed."""
        self._metrics.rebalances.inc()
        async with self._in_hand:
            await self._commit(COMMIT_PATIENCE_S)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin to count anew, since others may have moved on where we were; state lives in the database."""
        self._heard_at = time.time()
        self._taken.clear()
        self._committed.clear()

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions that this member consumes now."""
        consumer = self._subscriber.consumer
        return frozenset(consumer.assignment()) if consumer is not None else frozenset()

    @property
    def silent_s(self) -> float:
        """For how long Kafka has owed an answer: it answers a fetch in no time, with records or without.

        Nothing is fetched while a batch is taken into effect, or by a member without partitions.
        """
        consumer, assigned = self._subscriber.consumer, self.assigned
        if consumer is None or self._taking or not assigned:
            return 0.0
        answered_at = max(consumer.last_poll_timestamp(partition) or 0 for partition in assigned) / 1000
        return max(0.0, time.time() - max(answered_at, self._heard_at))

    @property
    def held(self) -> frozenset[TopicPartition]:
        """The partitions of these that are held at a record which cannot be read."""
        consumer = self._subscriber.consumer
        return frozenset(consumer.paused()) if consumer is not None else frozenset()

    def lag(self) -> dict[TopicPartition, int]:
        """Return how many records of each assigned partition are still to be consumed, as far as is known."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return {}
        return {
            partition: max(0, (consumer.highwater(partition) or 0) - self._taken[partition])
            for partition in consumer.assignment()
            if partition in self._taken
        }
