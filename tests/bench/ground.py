"""The ground that all contenders run on: one Apache Kafka and one PostgreSQL, as durable as in production."""

import asyncio
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.postgres import EmbeddedPostgres
from tests.bench.proc import children

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where the servers are, and the processes whose trees they are."""

    bootstrap: str
    postgres: str = field(repr=False)
    kafka_pid: int
    postgres_pid: int
    facts: Mapping[str, str]
    """What a reader must know to judge a number: versions, cores, durability."""

    def ask(self, database: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask a database."""
        return asyncio.run(_fetch(f"{self.postgres}/{database}", query, *arguments))

    def tell(self, database: str, statements: Iterable[tuple[Any, ...]]) -> None:
        """Let a database carry out statements, each with its arguments, in one transaction."""
        asyncio.run(_execute(f"{self.postgres}/{database}", statements))


@contextmanager
def ground(options: Mapping[str, str] | None = None) -> Iterator[Ground]:
    """Start both servers for the length of the block; `options` are further settings of PostgreSQL."""
    postgres, kafka = EmbeddedPostgres(options=options), ApacheKafka()
    with ExitStack() as stack:
        postgres_pid = stack.enter_context(started(postgres))
        shown = {name: asyncio.run(_fetch(f"{postgres.url}/postgres", f"SHOW {name}"))[0][0] for name in DURABLE}
        assert shown == DURABLE, f"what is not durable is not measured: {shown}"
        kafka_pid = stack.enter_context(started(kafka))
        yield Ground(
            bootstrap=kafka.bootstrap,
            postgres=postgres.url,
            kafka_pid=kafka_pid,
            postgres_pid=postgres_pid,
            facts={
                "python": platform.python_version(),
                "kafka": kafka.source,
                "postgres": postgres.source,
                "cores": str(os.cpu_count()),
                **shown,
            },
        )


@contextmanager
def started(server: EmbeddedPostgres | ApacheKafka) -> Iterator[int]:
    """Run a server and give the process that all its processes are below."""
    _, pid = appeared(server.__enter__)
    try:
        yield pid
    finally:
        server.__exit__(None, None, None)


def appeared(start: Callable[[], T]) -> tuple[T, int]:
    """Start something and return it, with the process that it left running."""
    before = children(os.getpid())
    result = start()
    [pid] = children(os.getpid()) - before
    return result, pid


async def _fetch(url: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return rows
    finally:
        await connection.close()


async def _execute(url: str, statements: Iterable[tuple[Any, ...]]) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for query, *arguments in statements:
                await connection.execute(query, *arguments)
    finally:
        await connection.close()
