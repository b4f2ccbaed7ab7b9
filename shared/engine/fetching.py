"""Repairs to how aiokafka hands out what it fetched: one record that it cannot read must cost no other.

As it is, such a record (a header name that is not UTF-8, a compression that is not installed, a broken checksum) makes
`getmany` fail after it has moved on in other partitions: their records are never seen, and soon committed past.
Here its own partition is held, and said to be, while all others go on; a header name of any bytes is read.

One to how much it hands out at once: a few packed kilobytes may be many records of megabytes, each within bounds.

And one to when it asks: as soon as a poll wants records and none are in hand, for all partitions at once. As it is, it
asks ahead, is answered with the first record that comes, and works that off by itself.
"""

import asyncio
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, SupportsIndex

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer import consumer, fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from shared.engine.message import Raw

HELD_S = 10.0
"""How long a partition is held at a record that cannot be read, before it is tried again."""
POLL_BYTES_MAX = 32 * 1024 * 1024
"""When so many bytes of records are handed out, the others wait for the next poll."""
HEADER_BYTES = 128
"""What a header takes in memory, beside its name and value."""
EMPTY_POLL_MS = 1
"""FastStream pauses after a poll that found nothing, for as long as that waited. It is told to wait for so long, and
waits for POLL_WAIT_S; then it looks for other news, as that its group refuses it."""
POLL_WAIT_S = 5.0
NO_TIME_MS, LAST_TIME_MS = -1, 253_402_300_799_999
"""Kafka's word for no time at all, and the last millisecond of the year 9999.

A publisher may write any first time and any distance from it, whose sum no column and no calendar holds. Such a record
is as one without a time: its event is read by its own, and it is set aside where that has none.
"""
_LENGTH, _OVERHEAD_BYTES = struct.Struct(">8xi"), 12
log = structlog.get_logger()


def repair() -> None:
    """Let every consumer of this process use what is below."""
    fetcher.MemoryRecords, fetcher.FetchResult = FetchedRecords, FetchResult
    fetcher.PartitionRecords = PartitionRecords
    consumer.Fetcher = Fetcher


class Room:
    """What a poll may still hand out, shared by all partitions of a consumer."""

    left_bytes = 0

    def take(self, record: Any) -> None:
        """Note that a record is handed out; the last one may be larger than what was left."""
        taken = len(record.key or b"") + len(record.value or b"") + HEADER_BYTES * len(record.headers)
        for name, value in record.headers:
            taken += len(name) + len(value or b"")
        self.left_bytes -= taken


class Fetcher(fetcher.Fetcher):  # type: ignore[misc]
    """Asks for records when a poll wants them, and hands out no more of them than fits."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._wanted, self._room = False, Room()
        super().__init__(*given, **named)

    def _get_actions_per_node(self, assignment: Any) -> Any:
        fetches, *others = super()._get_actions_per_node(assignment)
        return fetches if self._wanted else [], *others

    async def _proc_fetch_request(self, *given: Any) -> Any:
        came = await super()._proc_fetch_request(*given)
        for fetched in self._records.values():
            if isinstance(fetched, FetchResult):
                fetched.room = self._room
        return came

    async def fetched_records(self, partitions: Any, patience_s: float = 0, max_records: int | None = None) -> Any:
        """Wait until there are records, and hand them out as far as they fit."""
        self._room.left_bytes = POLL_BYTES_MAX
        with self._wanting():
            if patience_s == EMPTY_POLL_MS / 1000:
                patience_s = POLL_WAIT_S
            return await super().fetched_records(partitions, patience_s, max_records)

    async def next_record(self, partitions: Any) -> Any:
        """Wait until there is a record, and hand it out."""
        with self._wanting():
            return await super().next_record(partitions)

    @contextmanager
    def _wanting(self) -> Iterator[None]:
        self._wanted = True
        self._notify(self._wait_consume_future)
        try:
            yield
        finally:
            self._wanted = False


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of a partition that came in one fetch, none of them dressed in what nobody looks at."""

    def _consumer_record(self, partition: TopicPartition, record: Any) -> Raw:
        return Raw(
            partition.topic,
            partition.partition,
            record.offset,
            max(NO_TIME_MS, min(record.timestamp, LAST_TIME_MS)),
            record.key,
            record.value,
            tuple(record.headers),
        )


class FetchedRecords(MemoryRecords):  # type: ignore[misc]
    """The batches of a partition that came in one fetch, which can be read again."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class FetchResult(fetcher.FetchResult):  # type: ignore[misc]
    """What was fetched of a partition, handed out piece by piece."""

    _partition_records: Any
    room: Room

    def getall(self, max_records: int | None = None) -> list[Any]:
        """Return the next records, at most up to one that cannot be read, or after which there is no room."""
        if self.room.left_bytes <= 0 or not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        found: list[Any] = []
        try:
            ended = self._read(found, max_records)
        except Exception:
            ended = self._read_again(found, max_records)
        self._update_position()
        if ended:
            self._partition_records = None
        return found

    def _read(self, found: list[Any], max_records: int | None) -> bool:
        """Add the next records to those found; return whether there are no more."""
        for record in self._partition_records:
            found.append(record)
            self.room.take(record)
            if self.room.left_bytes <= 0 or (max_records is not None and len(found) >= max_records):
                return False
        return True

    def _read_again(self, found: list[Any], max_records: int | None) -> bool:
        """Read on with patience for header names; where that fails too, stop before the record, or hold at it."""
        strict, offset = self._partition_records, self._partition_records.next_fetch_offset
        lenient = copy(strict)
        try:
            lenient._records = _LenientRecords(strict._records.data, since=offset)
            lenient._records_iterator = lenient._unpack_records()
            self._partition_records = lenient
            return self._read(found, max_records)
        except Exception as error:
            if not found:
                self._hold(error)
            return True

    def _hold(self, error: Exception) -> None:
        state = self._assignment.state_value(self._topic_partition)
        state.pause()
        asyncio.get_running_loop().call_later(HELD_S, state.resume)
        log.error(
            "partition held at a record that cannot be read",
            topic=self._topic_partition.topic,
            partition=self._topic_partition.partition,
            offset=self._partition_records.next_fetch_offset,
            cause=type(error).__name__,
            detail=str(error)[:200],
        )


class _LenientRecords:
    """The batches of a fetch, whose header names may be of any bytes."""

    def __init__(self, data: bytes, *, since: int) -> None:
        self._data, self._at = memoryview(data), 0
        while self.has_next() and _LenientBatch(self._data[self._at :]).next_offset <= since:
            self._at = self._end()

    def has_next(self) -> bool:
        return len(self._data) - self._at >= _OVERHEAD_BYTES and self._end() <= len(self._data)

    def next_batch(self) -> Any:
        start, self._at = self._at, self._end()
        return _LenientBatch(self._data[start : self._at])

    def _end(self) -> int:
        length: int = _LENGTH.unpack_from(self._data, self._at)[0]
        return self._at + _OVERHEAD_BYTES + length


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch read by aiokafka's own Python, slower than its C, from bytes that decode whatever they are."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Lenient(self._buffer)


class _Lenient(bytearray):
    """Bytes that show as `\\xff` what is not UTF-8."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
