"""A running member of a service: its consumer, its relay and its ticker, on one database and one Kafka."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from shared.engine.consumer import Consumer
from shared.engine.deciding import Rules
from shared.engine.engine import Clock, Engine
from shared.engine.message import Raw
from shared.engine.metrics import Metrics
from shared.engine.postgres import PostgresStore
from shared.engine.relay import Relay
from shared.engine.service import Service
from shared.engine.store import Effects
from shared.engine.tracing import Recording, Silent

OUT_OF_REACH = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database that is away, restarting or full makes of a statement: the batch waits and is tried again."""
STOP_TIMEOUT_S = 15.0
POOL_MAX = 4
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a member; the defaults serve."""

    batch_max: int = 500
    poll_timeout_ms: int = 20
    relay_batch_max: int = 1000
    tick_interval_s: float = 0.2
    backoff_min_s: float = 0.1
    backoff_max_s: float = 10.0
    parked_max_age: timedelta = timedelta(days=1)


class Member:
    """One of the processes, or tasks, that share a service's work."""

    def __init__(
        self,
        service: Service,
        *,
        database: str,
        bootstrap: str,
        prefix: str = "",
        limits: Limits | None = None,
        clock: Clock = lambda: datetime.now(UTC),
        tracing: Silent | Recording | None = None,
    ) -> None:
        self.service, self.limits = service, limits or Limits()
        self.metrics = Metrics(service.name)
        self.waiting_for: str | None = None
        self._database, self._bootstrap, self._prefix, self._clock = database, bootstrap, prefix, clock
        self._tracing = tracing or Silent()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, join the group, and begin. The database must be migrated and the topics must exist."""
        self.pool = await asyncpg.create_pool(self._database, min_size=1, max_size=POOL_MAX)
        self.store = PostgresStore(self.service, self.pool)
        rules = Rules(self.limits.parked_max_age, self._prefix)
        self.engine = Engine(self.service, self.store, clock=self._clock, rules=rules, trace=self._tracing.create)
        self.relay = Relay(
            self.service.name,
            lambda: asyncpg.connect(self._database),
            self._bootstrap,
            batch_max=self.limits.relay_batch_max,
            metrics=self.metrics,
            tracing=self._tracing,
        )
        self.consumer = Consumer(
            self.service.name,
            self.service.topics,
            self._take,
            bootstrap=self._bootstrap,
            prefix=self._prefix,
            batch_max=self.limits.batch_max,
            poll_timeout_ms=self.limits.poll_timeout_ms,
            metrics=self.metrics,
        )
        self._tasks = [asyncio.create_task(self.relay.run()), asyncio.create_task(self._tick_forever())]
        await self.consumer.start()

    async def stop(self) -> None:
        """Finish the batch in hand, publish what is written, hand leadership over, and end."""
        self._stopping.set()
        await self.consumer.stop()
        self.relay.stop()
        _, late = await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pool.close()

    async def tick(self) -> None:
        """Decide about what has fallen due now."""
        for effects in await self.engine.tick():
            self._count(effects)
        self.relay.wake()

    async def _take(self, records: Sequence[Raw]) -> None:
        """Take a batch into effect, however long the database is away."""
        began = time.perf_counter()
        with self._tracing.process(self.service.name, [_traceparent(record) for record in records]):
            done = await self._persist(records)
        self.relay.wake()
        now_ms = time.time() * 1000
        for effects in done:
            self._count(effects)
        self.metrics.batch_records.observe(len(records))
        self.metrics.batch_seconds.observe(time.perf_counter() - began)
        self.metrics.event_age.observe(max(0.0, (now_ms - records[0].timestamp_ms) / 1000))

    async def _persist(self, records: Sequence[Raw]) -> list[Effects]:
        """Process a batch, and again after any failure: FastStream would swallow one, and the batch would be lost."""
        limits = self.limits
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Exception),
            wait=wait_exponential_jitter(initial=limits.backoff_min_s, max=limits.backoff_max_s),
            before_sleep=self._say_that_it_waits,
            stop=lambda _: self._stopping.is_set(),
            reraise=True,
        )
        done: list[Effects] = await retrying(self.engine.process, records)
        if self.waiting_for is not None:
            log.info("going on", service=self.service.name, after=self.waiting_for)
            self.waiting_for = None
        return done

    def _say_that_it_waits(self, state: RetryCallState) -> None:
        """Say once, not at every attempt, what the batch waits for."""
        error = state.outcome.exception() if state.outcome else None
        self.metrics.retries.labels(type(error).__name__).inc()
        if self.waiting_for is None:
            self.waiting_for = "database" if isinstance(error, OUT_OF_REACH) else "a bug to be fixed"
            log.warning("waiting", service=self.service.name, for_what=self.waiting_for, cause=type(error).__name__)

    async def _tick_forever(self) -> None:
        """Let the leader decide about deadlines; failures are tried again at the next tick."""
        while not self._stopping.is_set():
            if self.relay.leading:
                try:
                    await self.tick()
                except OUT_OF_REACH as error:
                    self.metrics.retries.labels(type(error).__name__).inc()
            await asyncio.sleep(self.limits.tick_interval_s)

    def _count(self, effects: Effects) -> None:
        self.metrics.messages.labels("decided").inc(effects.decided)
        self.metrics.messages.labels("repeated").inc(effects.repeated)
        self.metrics.messages.labels("parked").inc(len(effects.parked))
        for slug in effects.dead:
            self.metrics.dead.labels(slug).inc()
            log.warning("set aside", service=self.service.name, reason=slug)


def _traceparent(record: Raw) -> str:
    for name, value in record.headers:
        if name == "traceparent" and value is not None:
            return value.decode(errors="replace")
    return ""
