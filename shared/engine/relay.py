"""The relay: publishes the outbox in the order of its ids and deletes what Kafka acknowledged.

One member of a service leads, by an advisory lock that its connection holds; when it dies, PostgreSQL gives the lock
to the next. A cursor over ids would lose events, since commits overtake each other; reading from the start and
deleting does not. A leader that was paused may publish a second time, which consumers' inboxes absorb.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from shared.engine.metrics import Metrics
from shared.engine.postgres import unpack_headers
from shared.engine.tracing import Tracing

LEADER_LOCK = 7_355_608
"""The advisory lock of a service's database that its leader holds."""
PRODUCER_BATCH_BYTES = 900_000
IDLE_MIN_S, IDLE_MAX_S = 0.005, 0.05
FOLLOW_S = 0.5
"""How often a member that does not lead asks whether it may."""
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 5.0

_READ = """
    SELECT id, topic, key, value, headers FROM outbox
    WHERE cardinality($1::text[]) = 0 OR topic || '|' || encode(coalesce(key, ''), 'hex') <> ALL ($1)
    ORDER BY id LIMIT $2
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1)"
_partition_of = DefaultPartitioner()
log = structlog.get_logger()


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
        self._held: set[str] = set()
        self.leading = False

    def wake(self) -> None:
        """Say that something was written to the outbox."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the relay to publish what is there, hand leadership over and end."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Follow until the lock is free, lead until stopped; begin again after any failure."""
        pause_s = BACKOFF_MIN_S
        while not self._stopping.is_set():
            try:
                await self._follow_and_lead()
                pause_s = BACKOFF_MIN_S
            except Exception as error:
                if pause_s == BACKOFF_MIN_S:
                    log.warning(
                        "relay waits", service=self._service, cause=type(error).__name__, detail=str(error)[:200]
                    )
                self._metrics.retries.labels("relay").inc()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause_s)
                pause_s = min(pause_s * 2, BACKOFF_MAX_S)
            finally:
                self._lead(False)

    async def _follow_and_lead(self) -> None:
        connection = await self._connect()
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                if self._stopping.is_set():
                    return
                await self._sleep(FOLLOW_S)
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                max_batch_size=PRODUCER_BATCH_BYTES,
                client_id=f"tekil-{self._service}-relay",
            )
            await producer.start()
            try:
                self._lead(True)
                await self._publish_until_stopped(connection, producer)
            finally:
                await producer.stop()
        finally:
            await connection.close(timeout=5)

    async def _publish_until_stopped(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        idle_s = IDLE_MIN_S
        while True:
            self._wake.clear()
            rows = await connection.fetch(_READ, list(self._held), self._batch_max)
            if rows:
                with self._tracing.send(self._service, [_traceparent(row) for row in rows]):
                    await self._publish(connection, producer, rows)
                idle_s = IDLE_MIN_S
            elif self._stopping.is_set():
                return
            else:
                await self._sleep(idle_s)
                idle_s = min(idle_s * 2, IDLE_MAX_S)

    async def _publish(
        self, connection: asyncpg.Connection, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> None:
        """Publish rows, one batch a partition, and delete those acknowledged; the rest stays for the next round."""
        by_partition: dict[tuple[str, int], list[asyncpg.Record]] = {}
        for row in rows:
            partitions = sorted(await producer.partitions_for(row["topic"]))
            partition = _partition_of(row["key"] or b"", partitions, partitions)
            by_partition.setdefault((row["topic"], partition), []).append(row)
        results = await asyncio.gather(
            *(self._send(producer, *where, batch) for where, batch in by_partition.items()), return_exceptions=True
        )
        done = [row_id for result in results if isinstance(result, list) for row_id in result]
        if done:
            await connection.execute(_DELETE, done)
            self._metrics.relayed.inc(len(done))
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, rows: Sequence[asyncpg.Record]
    ) -> list[int]:
        """Send as many rows as fit in one batch; return the ids of those that are acknowledged."""
        batch, sent = producer.create_batch(), []
        for row in rows:
            headers = list(unpack_headers(row["headers"]))
            if batch.append(timestamp=None, key=row["key"], value=row["value"], headers=headers) is None:
                break
            sent.append(row["id"])
        try:
            await (await producer.send_batch(batch, topic, partition=partition))
        except MessageSizeTooLargeError:
            if len(sent) == 1:
                return self._hold(rows[0])
            return await self._send(producer, topic, partition, rows[: len(sent) // 2])
        return sent

    def _hold(self, row: asyncpg.Record) -> list[int]:
        """Leave a row that the broker will never take, and the later rows of its key, in the outbox for a person."""
        self._held.add(f"{row['topic']}|{(row['key'] or b'').hex()}")
        log.error(
            "record too large for the broker: it and later ones of its key stay in the outbox", outbox_id=row["id"]
        )
        return []

    def _lead(self, leading: bool) -> None:
        if leading != self.leading:
            log.info("relay leads" if leading else "relay leads no more", service=self._service)
        self.leading = leading
        self._metrics.leading.set(leading)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or until woken."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


def _traceparent(row: Any) -> str:
    for name, value in unpack_headers(row["headers"]):
        if name == "traceparent" and value is not None:
            return value.decode(errors="replace")
    return ""
