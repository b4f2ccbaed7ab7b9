"""Running services for real: the servers that they stand on, and the processes that serve."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from services.members import Served
from services.registry import NAMES, all_services
from shared.engine.migrating import Revisions, lacking, migrate
from shared.runtime import garbage, topics
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.http_server import listen, serving
from shared.runtime.postgres import EmbeddedPostgres, create_databases, server_of
from shared.runtime.settings import Settings


class NotPrepared(RuntimeError):
    """Something is missing that a service cannot start without; the message names the command that makes it."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the servers are. `postgres` is a base URL without a database, and holds a password."""

    bootstrap: str
    postgres: str = field(repr=False)
    running_on: str
    """What runs there, in words."""
    embedded_kafka: bool = False
    embedded_postgres: bool = False
    """Whether it was started here and ends with us: nobody else knows its address, or its password."""


@asynccontextmanager
async def servers(settings: Settings, *, embedded: bool = False) -> AsyncIterator[Addresses]:
    """Yield a Kafka and a PostgreSQL that are ready: topics there, databases there and migrated.

    They are those that are set; embedded ones where none is, or where `embedded` asks for them.
    Raises NotPrepared or DatabaseTooNew.
    """
    kafka = None if embedded else settings.kafka
    postgres = None if embedded or settings.postgres is None else settings.postgres.get_secret_value()
    if kafka or postgres:
        _check_secret(settings)
    with _kafka(kafka, prefix=settings.topic_prefix) as (bootstrap, broker), _postgres(postgres) as (base, server):
        await migrate_all(settings, base)
        yield Addresses(
            bootstrap=bootstrap,
            postgres=base,
            running_on=f"{broker}; {server}",
            embedded_kafka=kafka is None,
            embedded_postgres=postgres is None,
        )


@contextmanager
def _kafka(bootstrap: str | None, *, prefix: str) -> Iterator[tuple[str, str]]:
    """Give the address of this Kafka, with its topics, or of an embedded one, and say in words what it is."""
    if bootstrap is None:
        with EmbeddedKafka(prefix=prefix) as kafka:
            yield kafka.bootstrap, kafka.source
    else:
        topics.apply(bootstrap, prefix=prefix)
        yield bootstrap, f"Kafka at {bootstrap}"


@contextmanager
def _postgres(url: str | None) -> Iterator[tuple[str, str]]:
    """Give the base URL of this PostgreSQL, or of an embedded one, and say in words what it is."""
    if url is None:
        with EmbeddedPostgres() as postgres:
            yield postgres.url, f"PostgreSQL from {postgres.source}"
    else:
        yield url, _postgres_at(url)


def _postgres_at(url: str) -> str:
    return f"PostgreSQL at {server_of(url)}"


async def migrate_all(settings: Settings, postgres: str) -> Mapping[str, Revisions]:
    """Create and migrate the database of every service on the server at a base URL.

    Returns the revisions that were applied, by service. Safe to repeat. Raises DatabaseTooNew.
    """
    databases = {name: settings.database(name) for name in NAMES}
    await create_databases(postgres, databases.values())
    applied = await asyncio.gather(
        *(migrate(f"{postgres}/{database}", versions(name)) for name, database in databases.items())
    )
    return dict(zip(databases, applied, strict=True))


def versions(service: str) -> Path:
    """Return the folder of a service's migrations."""
    return Path(__file__).parent / service / "migrations" / "versions"


@dataclass(frozen=True, kw_only=True)
class Up:
    """Services that serve: where, by name, and on what they run."""

    urls: Mapping[str, str]
    addresses: Addresses


def port_of(name: str, settings: Settings) -> int:
    """Return the HTTP port of a service: the first has TEKIL_HTTP_PORT, the others the next ones."""
    return settings.http_port + NAMES.index(name)


async def run_service(name: str, settings: Settings, tell: Callable[[Up], None]) -> None:
    """Run one service on the servers that are set, until SIGTERM or SIGINT; `tell` hears when it serves.

    Raises NotPrepared, DatabaseTooNew or PortTaken.
    """
    if settings.kafka is None or settings.postgres is None:
        raise NotPrepared(
            "One service alone needs TEKIL_KAFKA and TEKIL_POSTGRES; `tekil up` runs all five on embedded servers."
        )
    _check_secret(settings)
    postgres = settings.postgres.get_secret_value()
    running_on = f"{settings.kafka}; {_postgres_at(postgres)}"
    await _run([name], settings, Addresses(bootstrap=settings.kafka, postgres=postgres, running_on=running_on), tell)


async def run_all(settings: Settings, tell: Callable[[Up], None], *, embedded: bool = False) -> None:
    """Run all five services in this process, on the servers that `servers` yields, until SIGTERM or SIGINT.

    Raises NotPrepared, DatabaseTooNew or PortTaken.
    """
    async with servers(settings, embedded=embedded) as addresses:
        await _run(NAMES, settings, addresses, tell)


def _check_secret(settings: Settings) -> None:
    if settings.pickup_secret_is_public:
        raise NotPrepared(
            "Set TEKIL_PICKUP_SECRET to a secret of your own: with the default, anyone could make pickup codes."
        )


async def _check_database(name: str, database: str) -> None:
    try:
        missing = await lacking(database, versions(name))
    except asyncpg.InvalidCatalogNameError:
        missing = ("itself",)
    if missing:
        raise NotPrepared(f"The database of {name} lacks {', '.join(missing)}: run `tekil migrate`.")


async def _run(names: Sequence[str], settings: Settings, addresses: Addresses, tell: Callable[[Up], None]) -> None:
    """Serve until a signal comes, then stop in order.

    HTTP, which tells how it goes, starts first, and stops last: a service may have to wait for its servers. At the
    end readiness goes first, so that no more requests are sent here; then members finish what they have in hand and
    hand their leadership over.
    """
    sockets = {name: listen(settings.http_host, port_of(name, settings)) for name in names}
    running = [
        Served(
            service,
            settings,
            bootstrap=addresses.bootstrap,
            postgres=addresses.postgres,
            check=partial(_check_database, service.name, f"{addresses.postgres}/{settings.database(service.name)}"),
        )
        for service in all_services(settings)
        if service.name in names
    ]
    garbage.look_seldom()
    async with AsyncExitStack() as http:
        urls = {each.name: await http.enter_async_context(serving(each.app, sockets[each.name])) for each in running}
        try:
            with _until_signalled() as signalled:
                if await unless(signalled, together(each.start() for each in running)):
                    tell(Up(urls=urls, addresses=addresses))
                    await signalled.wait()
        finally:
            await asyncio.gather(*(each.stop() for each in running))


async def together(starts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Start several at once. The first that fails breaks the others off; it is raised when they have ended too."""
    starting = [asyncio.create_task(each) for each in starts]
    try:
        await asyncio.gather(*starting)
    finally:
        await _end(starting)


async def unless(signalled: asyncio.Event, start: Coroutine[Any, Any, None]) -> bool:
    """Wait for a start, which a signal breaks off; return whether it came to its end. Raises what it raises."""
    starting, signal_came = asyncio.create_task(start), asyncio.create_task(signalled.wait())
    try:
        await asyncio.wait((starting, signal_came), return_when=asyncio.FIRST_COMPLETED)
        has_ended = starting.done()
    finally:
        await _end((starting, signal_came))
    if has_ended:
        starting.result()
    return has_ended


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Break off those tasks that still run, and wait until they have ended: what they began may be stopped then."""
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _until_signalled() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM and SIGINT set. Outside the block they have their usual effect: twice is now."""
    signalled, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, signalled.set)
    try:
        yield signalled
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
