"""A window into a running member: its health, its figures, its rows. Nothing done through it changes anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import nan

import asyncpg
from prometheus_client import Gauge, generate_latest

from shared.engine.member import Member
from shared.engine.standstill import OUT_OF_REACH

READERS_MAX = 4
"""Connections for reading, apart from those that decisions are made on: readers must not hold up an order."""
READ_TIMEOUT_S = 5.0
PROBE_TIMEOUT_S = 1.0

FIGURES = ("outbox_depth", "outbox_age", "parked", "parked_age", "overdue", "letters")
"""Gauges that the database knows the values of."""
_FIGURES = """
    SELECT
        (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS counted) AS outbox_depth,
        coalesce((SELECT extract(epoch FROM now() - written_at) FROM outbox ORDER BY id LIMIT 1), 0) AS outbox_age,
        (SELECT count(*) FROM (SELECT FROM parked LIMIT 100000) AS counted) AS parked,
        coalesce((SELECT extract(epoch FROM now() - since) FROM parked ORDER BY id LIMIT 1), 0) AS parked_age,
        greatest((SELECT extract(epoch FROM now() - min(due_at)) FROM deadlines), 0) AS overdue,
        (SELECT count(*) FROM (SELECT FROM dead_letters WHERE state <> 'closed' LIMIT 100000) AS counted) AS letters
"""


class Window:
    """What an orchestrator, Prometheus and people may see of a member."""

    def __init__(self, member: Member, database: str) -> None:
        self._member = member
        self._answering = Gauge(
            "tekil_database_answering", "1 where the database answered last time.", registry=member.metrics.registry
        )
        self.stopping = False
        """Set before the member is stopped, so that no more work is sent its way."""
        self._readers = asyncpg.create_pool(
            database,
            min_size=0,
            max_size=READERS_MAX,
            command_timeout=READ_TIMEOUT_S,
            server_settings={
                "application_name": f"tekil-{self._member.service.name}-read",
                "default_transaction_read_only": "on",
            },
        )

    async def open(self) -> None:
        """Make ready to read. Nothing is connected before somebody reads."""
        await self._readers

    async def close(self) -> None:
        """Let go of the connections."""
        await self._readers.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """Give a connection that can only read. Raises what OUT_OF_REACH names."""
        async with self._readers.acquire(timeout=READ_TIMEOUT_S) as connection:
            yield connection  # type: ignore[misc] # The pool's proxy is used like the connection.

    def failed(self) -> list[str]:
        """Return which of the member's tasks have ended before it was stopped: only a restart brings them back."""
        if self.stopping:
            return []
        return [getattr(task.get_coro(), "__qualname__", "") for task in self._member._tasks if task.done()]

    async def missing(self) -> list[str]:
        """Return what keeps the member from its work: nothing, when it is ready."""
        member = self._member
        gaps = ["it is stopping"] if self.stopping else []
        if not await self._database_answers():
            gaps.append("the database does not answer")
        if not member.consumer.assigned:
            gaps.append("it has no partitions: it is joining, or there are more members than partitions")
        if member.waiting_for is not None:
            gaps.append(f"it waits for {member.waiting_for}")
        return gaps

    async def metrics(self) -> bytes:
        """Return the member's metrics as Prometheus reads them; what the database does not tell is NaN."""
        metrics = self._member.metrics
        for figure, value in (await self._figures()).items():
            getattr(metrics, figure).set(value)
        metrics.lag.clear()
        for partition, lag in self._member.consumer.lag().items():
            metrics.lag.labels(partition.topic, partition.partition).set(lag)
        return generate_latest(metrics.registry)

    async def _figures(self) -> dict[str, float]:
        try:
            async with self.reading() as connection:
                (figures,) = await connection.fetch(_FIGURES, timeout=PROBE_TIMEOUT_S)
        except OUT_OF_REACH:
            self._answering.set(0)
            return dict.fromkeys(FIGURES, nan)
        self._answering.set(1)
        return {figure: float(figures[figure]) for figure in FIGURES}

    async def _database_answers(self) -> bool:
        try:
            async with self.reading() as connection:
                await connection.execute("SELECT", timeout=PROBE_TIMEOUT_S)
        except OUT_OF_REACH:
            return False
        return True
