"""A child of the nursery that tells what the world has to say, in its order, and at the pace of the round."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.engine.message import Outgoing
from tests.chaos.load import told_by

LOOK_S = 0.05
TRY_AGAIN_S = 0.3
AT_ONCE_MAX = 50
log = structlog.get_logger()


class Told:
    """How far a publisher has come: as many records as Kafka has acknowledged, written to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> int:
        """Return how many, 0 where nothing was told yet."""
        return int(self._file.read_text()) if self._file.exists() else 0

    def write(self, count: int) -> None:
        """Note how many, so that nobody ever reads half of it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(count))
        fresh.rename(self._file)


def run(given: dict[str, Any]) -> None:
    """Tell as `given` says: seed, part, start, began (seconds since 1970), load_s, bootstrap, prefix and told."""
    asyncio.run(_tell_all(**given))


async def _tell_all(
    *, seed: int, part: Any, start: int, began: float, load_s: float, bootstrap: str, prefix: str, told: str
) -> None:
    records, at, noted = told_by(part, seed), start, Told(Path(told))
    while at < len(records):
        try:
            async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
                while at < len(records):
                    due = len(records) if load_s == 0 else int((time.time() - began) / load_s * len(records)) + 1
                    batch = _next(records[at : min(due, at + AT_ONCE_MAX)])
                    await _tell(producer, batch, prefix)
                    at += len(batch)
                    noted.write(at)
                    if not batch:
                        await asyncio.sleep(LOOK_S)
        except (KafkaError, OSError) as error:
            log.warning("tells again", part=part, cause=repr(error))
            await asyncio.sleep(TRY_AGAIN_S)


def _next(records: Sequence[Outgoing]) -> Sequence[Outgoing]:
    """Return the first records, each of another key: what fails among them overtakes nothing of its own key."""
    keys: set[bytes | None] = set()
    for number, record in enumerate(records):
        if record.key in keys:
            return records[:number]
        keys.add(record.key)
    return records


async def _tell(producer: AIOKafkaProducer, records: Sequence[Outgoing], prefix: str) -> None:
    sent = [
        await producer.send(prefix + each.topic, each.value, key=each.key, headers=list(each.headers))
        for each in records
    ]
    await asyncio.gather(*sent)
