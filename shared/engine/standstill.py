"""What keeps a part of a member from going on: said once when it begins, and once when it is over."""

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from shared.engine.metrics import Metrics
from shared.runtime.away import AWAY

OUT_OF_REACH = (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What any failure of a database makes of a statement that serves at other times: the work waits and is tried again."""
log = structlog.get_logger()


class Standstill:
    """Whether a part of a member (its batch, its relay, its ticker) stands still, and what it waits for."""

    def __init__(self, service: str, part: str, metrics: Metrics) -> None:
        self._service, self._part, self._metrics = service, part, metrics
        self.waiting_for: str | None = None

    def because_of(self, error: BaseException) -> None:
        """Note that an attempt failed; the next one will come."""
        self._metrics.retries.labels(type(error).__name__).inc()
        self.begin(_who_failed(error), cause=type(error).__name__, detail=str(error)[:200])

    def begin(self, waiting_for: str, **details: str) -> None:
        """Note what is waited for."""
        if self.waiting_for is None:
            log.warning("waiting", service=self._service, part=self._part, for_what=waiting_for, **details)
        self.waiting_for = waiting_for

    def end(self) -> None:
        """Note that it goes on."""
        if self.waiting_for is not None:
            log.info("going on", service=self._service, part=self._part, after=self.waiting_for)
        self.waiting_for = None


def is_away(error: BaseException) -> bool:
    """Whether an error says that a server is away, starting or full, and will be there by itself.

    A wrong password, or a database that does not exist, is for a person to mend.
    """
    return error.retriable if isinstance(error, KafkaError) else isinstance(error, AWAY)


def _who_failed(error: BaseException) -> str:
    if isinstance(error, KafkaError):
        return "Kafka"
    return "the database" if isinstance(error, OUT_OF_REACH) else "a bug to be fixed"
