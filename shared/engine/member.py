"""A running member of a service: its consumer, its relay and its ticker, on one database and one Kafka."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential_jitter

from shared.engine.consumer import Consumer
from shared.engine.deciding import Rules
from shared.engine.engine import Clock, Engine
from shared.engine.message import Raw
from shared.engine.metrics import Metrics
from shared.engine.pausing import pause
from shared.engine.postgres import READ_BY_INDEX, PostgresStore
from shared.engine.relay import Relay
from shared.engine.service import Service
from shared.engine.standstill import OUT_OF_REACH, Standstill, is_away
from shared.engine.store import Effects
from shared.engine.tracing import Silent, Tracing, traceparent_of

STOP_TIMEOUT_S = 15.0
"""How long stopping takes at most. What is not finished then is left as after a power cut: late, not lost."""
POOL_MAX = 4
STATEMENT_TIMEOUT_S, CONNECT_TIMEOUT_S = 30.0, 10.0
"""After so long without an answer, a database is out of reach even where the network says nothing."""
NOTICE_A_SILENT_CLIENT = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "idle_in_transaction_session_timeout": "60000",
}
"""PostgreSQL gives the lead and the locks of a member to others: within half a minute where the network swallowed it,
and within a minute where it stands still in the midst of a batch. A batch that decides for so long is taken in halves.
"""
LOSE_A_DELETION = {"synchronous_commit": "off"}
"""The relay only deletes. What a crash of the database undoes of that is published again, and readers know its ids."""
SILENT_S = 10.0
"""After so long without an answer of any kind, Kafka is away, whether or not there is something to publish."""
FETCH_WAIT_MS = 500
"""How long Kafka lets a fetch wait for a record. It answers at once when there is one."""
LISTEN_S = 1.0
TICKS_FAIL_S = 10.0
"""When ticks have failed for so long while the relay goes well, it is not the database that is away."""
log = structlog.get_logger()


Check = Callable[[], Awaitable[None]]
"""Looks whether a database is as the code needs it. Raises what only a person can mend."""


async def no_check() -> None:
    """Take the database as it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a member; the defaults serve."""

    batch_max: int = 1500
    batch_interval_s: float = Service.batch_interval_s
    """See `Service.batch_interval_s`."""
    fetch_wait_ms: int = FETCH_WAIT_MS
    relay_batch_max: int = 1000
    tick_interval_s: float = 0.2
    backoff_min_s: float = 0.1
    backoff_max_s: float = 10.0
    parked_max_age: timedelta = timedelta(days=1)
    finish_timeout_s: float = 8.0
    """How long the batch in hand may take to finish when the member stops; undone, it is taken up by another."""


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
        tracing: Tracing | None = None,
        check: Check = no_check,
    ) -> None:
        self.service, self.limits = service, limits or Limits()
        self.metrics = Metrics(service.name)
        self._starting, self._batch, self._ticker, self._listening = (
            Standstill(service.name, part, self.metrics) for part in ("start", "batch", "ticker", "consumer")
        )
        self._database, self._prefix, self._clock, self._check = database, prefix, clock, check
        self._tracing = tracing or Silent()
        self._stopping = asyncio.Event()
        # Made once: it is a circle, and one for each batch would be most of what the garbage collector looks for.
        # It has room for one call at a time: the consumer takes one batch after the other.
        self._until_taken = self._retrying(self._batch, lambda error: isinstance(error, Exception))
        self._tasks: list[asyncio.Task[None]] = []
        self.relay = Relay(
            service.name,
            lambda: asyncpg.connect(
                database,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=STATEMENT_TIMEOUT_S,
                server_settings=NOTICE_A_SILENT_CLIENT | READ_BY_INDEX | LOSE_A_DELETION,
            ),
            bootstrap,
            batch_max=self.limits.relay_batch_max,
            metrics=self.metrics,
            tracing=self._tracing,
        )
        self.consumer = Consumer(
            service.name,
            service.topics,
            self._take,
            bootstrap=bootstrap,
            prefix=prefix,
            batch_max=self.limits.batch_max,
            batch_interval_s=self.limits.batch_interval_s,
            fetch_wait_ms=self.limits.fetch_wait_ms,
            finish_timeout_s=self.limits.finish_timeout_s,
            metrics=self.metrics,
        )

    async def start(self) -> None:
        """Connect, join the group, and begin, as soon as the database and Kafka can be reached.

        The topics must exist. Raises what `check` says is wrong with a database that can be reached.
        """
        await self._insist(self._check)
        self.pool = await asyncpg.create_pool(
            self._database,
            min_size=0,
            max_size=POOL_MAX,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings=NOTICE_A_SILENT_CLIENT | READ_BY_INDEX,
            reset=_leave_as_it_is,
        )
        self.store = PostgresStore(self.service, self.pool)
        rules = Rules(self.limits.parked_max_age, self._prefix)
        self.engine = Engine(self.service, self.store, clock=self._clock, rules=rules, trace=self._tracing.create)
        forever = (self.relay.run(), self._tick_forever(), self._listen_forever())
        self._tasks = [asyncio.create_task(each) for each in forever]
        await self._insist(self.consumer.start)

    async def stop(self) -> None:
        """Finish the batch in hand, publish what is written, hand leadership over, and end: within STOP_TIMEOUT_S.

        A member whose start failed, or was given up, is stopped like any other.
        """
        self._stopping.set()
        if self._tasks:
            await self._stop_tasks()
        await asyncio.to_thread(self._tracing.close)

    async def _stop_tasks(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.consumer.stop()
                self.relay.stop()
                # One that failed, or was cancelled, has ended; it must not keep the others from ending well.
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self.pool.close()
                return
        log.warning("stopped before all was finished; nothing is lost", service=self.service.name)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.pool.terminate()

    @property
    def waiting_for(self) -> str | None:
        """What the member's work waits for, where it stands still."""
        unreadable = "a record that cannot be read" if self.consumer.held else None
        parts = self._starting, self._batch, self._listening, self.relay.standstill, self._ticker
        return next(filter(None, (part.waiting_for for part in parts)), unreadable)

    async def tick(self) -> None:
        """Decide about what has fallen due now."""
        self._pass_on(await self.engine.tick())

    def _pass_on(self, done: Sequence[Effects]) -> None:
        """Wake the relay where there is something for it, and count."""
        if any(effects.outgoing for effects in done):
            self.relay.wake()
        for effects in done:
            self._count(effects)

    async def _take(self, records: Sequence[Raw]) -> None:
        """Take a batch into effect, however long the database is away."""
        began = time.perf_counter()
        with self._tracing.process(self.service.name, (traceparent_of(record.headers) for record in records)):
            done = await self._persist(records)
        now_ms = time.time() * 1000
        self._pass_on(done)
        self.metrics.batch_records.observe(len(records))
        self.metrics.batch_seconds.observe(time.perf_counter() - began)
        if records[0].timestamp_ms >= 0:
            self.metrics.event_age.observe(max(0.0, (now_ms - records[0].timestamp_ms) / 1000))

    async def _persist(self, records: Sequence[Raw]) -> list[Effects]:
        """Process a batch, and again after any failure: FastStream would swallow one, and the batch would be lost.

        What failed is taken in halves, since it may be the batch that takes longer than a server allows.
        """
        parts, done = [records], list[Effects]()

        async def process() -> None:
            while parts:
                try:
                    done.extend(await self.engine.process(parts[0]))
                except Exception:
                    parts[:1] = _halves(parts[0])
                    raise
                del parts[0]

        await self._until_taken(process)
        self._batch.end()
        return done

    async def _insist(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Attempt what the start needs, and again for as long as a server is away."""
        await self._retrying(self._starting, is_away)(attempt)
        self._starting.end()

    def _retrying(self, standstill: Standstill, is_worth_it: Callable[[BaseException], bool]) -> AsyncRetrying:
        def say_that_it_waits(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            assert error is not None, "only what failed is tried again"
            standstill.because_of(error)

        low = self.limits.backoff_min_s
        return AsyncRetrying(
            retry=retry_if_exception(is_worth_it),
            wait=wait_exponential_jitter(multiplier=low, max=self.limits.backoff_max_s, jitter=low),
            sleep=self._pause,
            before_sleep=say_that_it_waits,
            stop=lambda _: self._stopping.is_set(),
            reraise=True,
        )

    async def _pause(self, seconds: float) -> None:
        """Sleep, or until stopped."""
        await pause(seconds, until=self._stopping)

    async def _tick_forever(self) -> None:
        """Let the leader decide about deadlines; failures are tried again at the next tick."""
        well_at = time.monotonic()
        while not self._stopping.is_set():
            if self.relay.leading:
                try:
                    await self.tick()
                    self._ticker.end()
                    well_at = time.monotonic()
                except Exception as error:
                    self._note_failed_tick(error, failing_s=time.monotonic() - well_at)
            else:
                self._ticker.end()
            if not self._relay_goes_well:
                well_at = time.monotonic()
            await self._pause(self.limits.tick_interval_s)

    def _note_failed_tick(self, error: Exception, *, failing_s: float) -> None:
        """Say that ticks fail, save where the relay, on the same database, says so already or will in a moment."""
        if isinstance(error, OUT_OF_REACH) and not (self._relay_goes_well and failing_s > TICKS_FAIL_S):
            self.metrics.retries.labels(type(error).__name__).inc()
        else:
            self._ticker.because_of(error)

    @property
    def _relay_goes_well(self) -> bool:
        return self.relay.leading and self.relay.standstill.waiting_for is None

    async def _listen_forever(self) -> None:
        """Notice that Kafka is away: the relay does so only where it has something to publish."""
        while not self._stopping.is_set():
            if self.consumer.silent_s > SILENT_S:
                self._listening.begin("Kafka")
            else:
                self._listening.end()
            await self._pause(LISTEN_S)

    def _count(self, effects: Effects) -> None:
        self.metrics.messages.labels("decided").inc(effects.decided)
        self.metrics.messages.labels("repeated").inc(effects.repeated)
        self.metrics.messages.labels("parked").inc(len(effects.parked))
        for slug in effects.dead:
            self.metrics.dead.labels(slug).inc()
        self._say_what_is_set_aside(effects)
        for bug in effects.bugs:
            log.error("a decision failed", service=self.service.name, exc_info=bug)
            # Its frames hold the whole batch, which holds it: a circle, and the collector looks seldom.
            bug.__traceback__ = None

    def _say_what_is_set_aside(self, effects: Effects) -> None:
        """Name letters as commands take them. A deadline whose decision failed is none: it is tried again by itself."""
        name = self.service.name
        for letter in effects.letters:
            log.warning("set aside", service=name, letter=f"{name}/{letter.id}", reason=letter.reason)
        for slug in (Counter(effects.dead) - Counter(letter.reason for letter in effects.letters)).elements():
            log.warning("set aside", service=name, reason=slug)


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Spare a connection the statements that undo what none of ours does: settings, cursors, session locks."""


def _halves(records: Sequence[Raw]) -> list[Sequence[Raw]]:
    """Return the two halves of a batch; of a single record, the record."""
    middle = (len(records) + 1) // 2
    return [half for half in (records[:middle], records[middle:]) if half]
