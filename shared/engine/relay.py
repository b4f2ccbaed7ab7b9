"""The relay: publishes the outbox in the order of its ids and deletes what Kafka acknowledged.

One member of a service leads, by an advisory lock that its connection holds; when it dies, PostgreSQL gives the lock
to the next. A cursor over ids would lose events, since commits overtake each other; reading from the start and
deleting does not. A leader that was paused may publish a second time, which consumers' inboxes absorb.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from shared.engine.metrics import Metrics
from shared.engine.packing import unpack
from shared.engine.pausing import pause
from shared.engine.standstill import Standstill
from shared.engine.tracing import Tracing, traceparent_of

LEADER_LOCK = 7_355_608
"""The advisory lock of a service's database that its leader holds."""
PRODUCER_BATCH_BYTES = 900_000
"""What a batch holds, in bytes, until a broker turns out to take less."""
LARGE_BYTES = 65_536
"""A larger value is read by itself: a thousand of them at once would fill the memory."""
IDLE_MIN_S, IDLE_MAX_S = 0.005, 0.05
"""How long the relay sleeps when nobody wakes it: short after rows that another member wrote, who cannot wake it."""
FOLLOW_S = 0.5
"""How often a member that does not lead asks whether it may."""
LEAD_DOUBTED_S = 5.0
"""How old what was read from the outbox may be when it is sent: a leader that was paused longer reads again."""
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 5.0
MISSING_TOPIC_S = 5.0
"""How long records of a topic that does not exist are left alone before it is looked for again."""
ACKNOWLEDGED_S = 2.0
"""How long Kafka may take to acknowledge what was sent, before it is said that the relay waits for it."""
METADATA_LOOKS_MAX = 2
"""The first look may be one that was on its way before the topic was asked for."""
GOODBYE_S = 3.0
"""How long a producer that ends may wait for a Kafka that is away; the outbox still has what it does not get rid of."""

_DELETE_AND_READ = """
    WITH gone AS (DELETE FROM outbox WHERE id = ANY ($5) RETURNING id)
    SELECT id, topic, key, CASE WHEN octet_length(value) <= $4 THEN value END AS value, headers,
        octet_length(value) > $4 AS is_large
    FROM outbox
    WHERE id NOT IN (SELECT id FROM gone) AND topic <> ALL ($1)
        AND (cardinality($2::text[]) = 0 OR topic || '|' || encode(coalesce(key, ''), 'hex') <> ALL ($2))
    ORDER BY id LIMIT $3
"""
_READ_LARGE = "SELECT id, topic, key, value, headers FROM outbox WHERE id = $1"
_partition_of = DefaultPartitioner()
log = structlog.get_logger()


class LeadDoubted(Exception):
    """So long after reading, somebody else may lead, and have published what follows: read again, if we still lead."""


class Relay:
    """Publishes one service's outbox while it leads."""

    def __init__(
        self,
        service: str,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        bootstrap: str,
        *,
        batch_max: int,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._service, self._connect, self._bootstrap = service, connect, bootstrap
        self._batch_max, self._metrics, self._tracing = batch_max, metrics, tracing
        self._wake, self._stopping = asyncio.Event(), asyncio.Event()
        self._read_at = 0.0
        self._delivered: list[int] = []
        """The ids of rows that Kafka has and that are still to be deleted, which the next look at the outbox does."""
        self._held: set[str] = set()
        self._missing: dict[str, float] = {}
        self._batch_bytes = PRODUCER_BATCH_BYTES
        self._backoff_s = 0.0
        self.standstill = Standstill(service, "relay", metrics)
        self.leading = False

    def wake(self) -> None:
        """Say that something was written to the outbox."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the relay to publish what is there, hand leadership over and end."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Follow until the lock is free, lead until stopped; begin again after any failure.

        When it is asked to stop while it pauses after a failure, it tries once more.
        """
        last = False
        while not last:
            last = self._stopping.is_set()
            try:
                await self._follow_and_lead()
                return
            except Exception as error:
                self.standstill.because_of(error)
                self._backoff_s = min(self._backoff_s * 2 or BACKOFF_MIN_S, BACKOFF_MAX_S)
                await pause(self._backoff_s, until=self._stopping)
            finally:
                self._lead(False)

    async def _follow_and_lead(self) -> None:
        connection = await self._connect()
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                if self._stopping.is_set():
                    return
                self._goes_well()
                await pause(FOLLOW_S, until=self._stopping)
            # This may be another server, that never heard of these ids and gives them to other rows.
            self._delivered = []
            while True:
                try:
                    await self._publish_until_stopped(connection)
                    return
                except (MessageSizeTooLargeError, LeadDoubted):
                    # Batches that were refused or not sent have used up sequence numbers of the idempotent producer.
                    continue
        finally:
            await connection.close(timeout=GOODBYE_S)

    @asynccontextmanager
    async def _producing(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._batch_bytes,
            client_id=f"tekil-{self._service}-relay",
        )
        try:
            await producer.start()
            yield producer
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(producer.stop(), GOODBYE_S)

    async def _publish_until_stopped(self, connection: asyncpg.Connection) -> None:
        idle_s = IDLE_MAX_S
        async with self._producing() as producer:
            self._lead(True)
            while True:
                woken = self._wake.is_set()
                self._wake.clear()
                rows, is_all = await self._read(connection)
                self._read_at = time.monotonic()
                if rows:
                    with self._tracing.send(self._service, (traceparent_of(unpack(row["headers"])) for row in rows)):
                        is_all &= await self._publish(producer, rows) == len(rows)
                elif self._stopping.is_set():
                    return
                idle_s = IDLE_MIN_S if rows and not woken else min(idle_s * 2, IDLE_MAX_S)
                if is_all and not self._stopping.is_set():
                    await pause(idle_s, until=self._wake)
                self._goes_well()

    async def _read(self, connection: asyncpg.Connection) -> tuple[list[asyncpg.Record], bool]:
        """Delete what Kafka has; return the next rows, up to one that is large, or that one, and whether they are all.

        One statement for both: half the transactions. It sees what it deletes as it was before, so that is left out.
        """
        given = self._topics_left_alone(), list(self._held), self._batch_max, LARGE_BYTES, self._delivered
        rows: list[asyncpg.Record] = await connection.fetch(_DELETE_AND_READ, *given)
        self._delivered = []
        if rows and rows[0]["is_large"]:
            return list(await connection.fetch(_READ_LARGE, rows[0]["id"])), False
        small = list(takewhile(lambda row: not row["is_large"], rows))
        return small, len(small) == len(rows) < self._batch_max

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> int:
        """Publish rows, one batch a partition, note those acknowledged and return how many they are.

        The rest stays for the next round.
        """
        by_partition: dict[tuple[str, int], list[asyncpg.Record]] = {}
        for topic, of_topic in groupby(sorted(rows, key=itemgetter("topic")), key=itemgetter("topic")):
            for row in of_topic if (partitions := await self._partitions(producer, topic)) else ():
                partition = _partition_of(row["key"] or b"", partitions, partitions)
                by_partition.setdefault((topic, partition), []).append(row)
        sending = asyncio.gather(
            *(self._send(producer, *where, batch) for where, batch in by_partition.items()), return_exceptions=True
        )
        results = await self._acknowledged(sending)
        done = [row_id for result in results if isinstance(result, list) for row_id in result]
        self._delivered += done
        self._metrics.relayed.inc(len(done))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(done)

    async def _acknowledged(self, sending: asyncio.Future[Any]) -> list[Any]:
        """Wait for Kafka, which an idempotent producer does for as long as it takes, and say when it takes long."""
        await asyncio.wait({sending}, timeout=ACKNOWLEDGED_S)
        if not sending.done():
            self.standstill.begin("Kafka")
            stopping: asyncio.Future[Any] = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        if not sending.done():
            sending.cancel()
            raise KafkaTimeoutError("asked to stop before Kafka acknowledged")
        results: list[Any] = sending.result()
        return results

    async def _partitions(self, producer: AIOKafkaProducer, topic: str) -> list[int]:
        """Return the partitions of a topic; none where it does not exist, and its records are left alone for a while.

        aiokafka's own `partitions_for` would wait for the topic, and every other topic with it.
        """
        client = producer.client
        for _ in range(METADATA_LOOKS_MAX):
            if known := client.cluster.partitions_for_topic(topic):
                break
            client.add_topic(topic)
            if not await client.force_metadata_update():
                raise KafkaConnectionError("no broker tells which topics there are")
        if known:
            self._missing.pop(topic, None)
            return sorted(known)
        if topic not in self._missing:
            log.error("topic missing: its records stay in the outbox until it is created", topic=topic)
        self._missing[topic] = time.monotonic() + MISSING_TOPIC_S
        return []

    def _topics_left_alone(self) -> list[str]:
        now = time.monotonic()
        return [topic for topic, until in self._missing.items() if until > now]

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, rows: Sequence[asyncpg.Record]
    ) -> list[int]:
        """Send as many rows as fit in one batch; return the ids of those that are acknowledged."""
        batch, sent = producer.create_batch(), []
        for row in rows:
            headers = list(unpack(row["headers"]))
            if batch.append(timestamp=None, key=row["key"], value=row["value"], headers=headers) is None:
                break
            sent.append(row["id"])
        if time.monotonic() - self._read_at > LEAD_DOUBTED_S:
            raise LeadDoubted
        try:
            await (await producer.send_batch(batch, topic, partition=partition))
        except MessageSizeTooLargeError:
            if len(sent) == 1:
                self._hold(rows[0])
            else:
                self._batch_bytes //= 2
            raise
        return sent

    def _hold(self, row: asyncpg.Record) -> None:
        """Leave a row that the broker will never take, and the later rows of its key, in the outbox for a person."""
        self._held.add(f"{row['topic']}|{(row['key'] or b'').hex()}")
        log.error(
            "record too large for the broker: it and later ones of its key stay in the outbox", outbox_id=row["id"]
        )

    def _goes_well(self) -> None:
        self._backoff_s = 0.0
        self.standstill.end()

    def _lead(self, leading: bool) -> None:
        if leading != self.leading:
            log.info("relay leads" if leading else "relay leads no more", service=self._service)
        self.leading = leading
        self._metrics.leading.set(leading)
