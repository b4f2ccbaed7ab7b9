"""`python -m tests.bench.floor.member SERVICE FILE`: the same bytes and rows as a service of Tekil's, and no logic.

It looks up what follows from a record, writes those rows in bulk, publishes those bytes, and commits the offsets. It
decodes, checks, locks, loads and decides nothing, and it has no outbox: it says how much less there could be to do.
"""

import asyncio
import pickle
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from confluent_kafka import Consumer, Message, Producer
from sqlalchemy import Table
from sqlalchemy.sql import true

from services.registry import all_services
from shared.engine.postgres import READ_BY_INDEX
from shared.engine.service import Service
from shared.engine.statements import compiled, drop_deadlines, insert_given, together
from shared.runtime.settings import Settings
from tests.bench.floor.script import Script, Step

READ_MAX = 500
_ID, _SOURCE = "ce_id", "ce_source"


class Floor:
    """A service without a thought."""

    def __init__(self, service: Service, script: Script, settings: Settings) -> None:
        self._service, self._script, self._prefix = service, script, settings.topic_prefix
        self._tables = service.metadata.tables
        self._upserts = {rows.name: upsert(rows.table) for rows in service.rows if not rows.append_only}
        self._upserts["deadlines"] = upsert(self._tables["deadlines"])
        self._drop = drop_deadlines(self._tables["deadlines"])
        self._stopping = False
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": f"{self._prefix}{service.name}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        self._consumer.subscribe([self._prefix + topic for topic in service.topics])
        self._producer = Producer({"bootstrap.servers": settings.kafka, "enable.idempotence": True, "linger.ms": 0})

    def stop(self, *_: object) -> None:
        """End after the batch in hand."""
        self._stopping = True

    async def run(self, database: str) -> None:
        """Consume, write and publish until stopped."""
        connection = await asyncpg.connect(database, server_settings=READ_BY_INDEX)
        print("ready", flush=True)  # noqa: T201 - its parent waits
        while not self._stopping:
            if records := self._consumer.consume(READ_MAX, timeout=0.02):
                await self._take(connection, records)
        self._consumer.close()
        await connection.close()

    async def _take(self, connection: asyncpg.Connection, records: Sequence[Message]) -> None:
        headers = [each for each in map(_headers, records) if each[_ID] in self._script]
        steps = [self._script[each[_ID]] for each in headers]
        now = datetime.now(UTC)
        async with connection.transaction():
            inbox = [(each[_SOURCE].decode(), each[_ID].decode(), 0, now) for each in headers]
            await connection.copy_records_to_table("inbox", records=inbox)
            await self._write(connection, steps)
        for step in steps:
            for each in step.outgoing:
                self._producer.produce(self._prefix + each.topic, each.value, each.key, headers=list(each.headers))
        self._producer.flush()
        self._consumer.commit(asynchronous=True)

    async def _write(self, connection: asyncpg.Connection, steps: Iterable[Step]) -> None:
        """Write rows, of each key the last one: in one statement, but for journals, which are copied."""
        appended: dict[str, list[Sequence[Any]]] = {}
        changed: dict[str, dict[Any, Sequence[Any]]] = {}
        dropped: dict[tuple[str, str], None] = {}
        for step in steps:
            for name, rows in step.appended.items():
                appended.setdefault(name, []).extend(rows)
            for name, rows in step.changed.items():
                changed.setdefault(name, {}).update((self._key_of(name, row), row) for row in rows)
            dropped.update(dict.fromkeys(step.dropped))
        for name, rows in appended.items():
            await connection.copy_records_to_table(name, records=rows, columns=_names(self._tables[name]))
        writes = [(self._upserts[name], self._columns(name, [*by_key.values()])) for name, by_key in changed.items()]
        if dropped:
            writes.append((self._drop, [*zip(*dropped, strict=True)]))
        if writes:
            statement = together(tuple(text for text, _ in writes))
            await connection.execute(statement, *(column for _, columns in writes for column in columns))

    def _key_of(self, name: str, row: Sequence[Any]) -> tuple[Any, ...]:
        table = self._tables[name]
        return tuple(value for column, value in zip(_names(table), row, strict=True) if table.c[column].primary_key)

    def _columns(self, name: str, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Return the values column by column, in the order of the table; the version is always the first."""
        by_name: Mapping[str, Sequence[Any]] = dict(
            zip(_names(self._tables[name]), zip(*rows, strict=True), strict=True)
        )
        ones = [1] * len(rows)
        return [by_name.get(column.name, ones) for column in self._tables[name].columns]


def upsert(table: Table) -> str:
    """Insert or replace the given rows, without a look at what was there."""
    statement = insert_given(table)
    return compiled(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key},
        ).returning(true())
    )


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "version"]


def _headers(record: Message) -> dict[str, bytes]:
    headers: Any = record.headers()
    return dict(headers)


def main() -> None:
    """Run."""
    name, file = sys.argv[1:]
    settings = Settings()
    assert settings.postgres is not None
    script: Script = pickle.loads(Path(file).read_bytes())  # noqa: S301 - written by the bench itself
    [service] = [each for each in all_services(settings) if each.name == name]
    floor = Floor(service, script, settings)
    signal.signal(signal.SIGTERM, floor.stop)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(floor.run(f"{settings.postgres.get_secret_value()}/{settings.database(name)}"))


if __name__ == "__main__":
    main()
