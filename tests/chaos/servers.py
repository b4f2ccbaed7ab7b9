"""The servers of a campaign: a real Kafka and a real PostgreSQL, each behind a network that can fail."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.postgres import EmbeddedPostgres
from tests.chaos.proxy import Proxy, proxy


class Broker(ApacheKafka):
    """An Apache Kafka whose clients all come through a proxy: that is the address it tells them."""

    def __init__(self, *, advertised_port: int) -> None:
        super().__init__()
        self._advertised = f"advertised.listeners=BROKER://127.0.0.1:{advertised_port}\n"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def start(self) -> None:
        """Start the node and wait until it serves; after `stop` or `crash`, on the same port and data."""
        written = self._configuration.read_text()
        if self._advertised not in written:
            self._configuration.write_text(written + self._advertised)
        super().start()


class Database(EmbeddedPostgres):
    """A PostgreSQL that can be shut down as `pg_ctl stop -m immediate` does: it recovers when it starts again."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def quit(self) -> None:
        """Shut down without finishing anything."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self.stop()


@dataclass(frozen=True)
class Servers:
    """What rounds run on. Members and publishers come through the proxies; who judges asks the database itself."""

    kafka: Broker
    postgres: Database
    to_kafka: Proxy
    to_postgres: Proxy

    @property
    def bootstrap(self) -> str:
        """Kafka's address, behind its proxy."""
        return f"127.0.0.1:{self.to_kafka.port}"

    def proxied(self, url: str) -> str:
        """Return the URL of a database, behind the proxy. Not for a log."""
        return url.replace(f"127.0.0.1:{self.postgres.port}", f"127.0.0.1:{self.to_postgres.port}")


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Start both, and stop them at the end. Raises KafkaMissing, PostgresMissing or ServerFailed."""
    async with AsyncExitStack() as stack:
        to_kafka = await stack.enter_async_context(proxy())
        to_postgres = await stack.enter_async_context(proxy())
        kafka, postgres = Broker(advertised_port=to_kafka.port), Database()
        await asyncio.gather(*(asyncio.to_thread(stack.enter_context, each) for each in (kafka, postgres)))
        to_kafka.target, to_postgres.target = kafka.port, postgres.port
        yield Servers(kafka, postgres, to_kafka, to_postgres)
