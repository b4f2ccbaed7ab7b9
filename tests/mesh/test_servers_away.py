"""Servers that are away when a service starts, and a Kafka that goes while there is nothing to say."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from structlog.typing import EventDict

from services.order.intake import Intake
from services.registry import NAMES
from services.running import NotPrepared, migrate_all, run_service
from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.http import Problem
from shared.runtime.http_server import listen
from shared.runtime.postgres import EmbeddedPostgres
from shared.runtime.process import free_port
from shared.runtime.settings import Settings
from shared.runtime.topics import apply
from tests.mesh.place import PATIENCE_S, eventually
from tests.mesh.records import received


@pytest.fixture(scope="module")
def prepared(own_kafka: ApacheKafka, own_postgres: EmbeddedPostgres) -> Settings:
    """Settings of services whose topics and databases are there."""
    apply(own_kafka.bootstrap)
    found = Settings(
        kafka=own_kafka.bootstrap,
        postgres=SecretStr(own_postgres.url),
        pickup_secret=SecretStr("sixteen-or-more-letters"),
    )
    asyncio.run(migrate_all(found, own_postgres.url))
    return found


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as logs:
        yield logs


class Running:
    """An inventory service as `tekil run inventory` runs it, in this process."""

    def __init__(self, found: Settings, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")
        self.is_up = asyncio.Event()
        settings = found.model_copy(update={"http_port": port - 1})
        self.ended = asyncio.create_task(run_service("inventory", settings, lambda _: self.is_up.set()))

    async def missing(self) -> list[str] | None:
        """What `/readyz` says is missing; None before it answers."""
        try:
            told = await self._client.get("/readyz")
        except httpx.TransportError:
            return None
        assert (told.status_code == 200) == (told.json()["missing"] == [])
        missing: list[str] = told.json()["missing"]
        return missing

    async def waits_for(self, server: str) -> bool:
        return f"it waits for {server}" in (await self.missing() or ())

    async def end(self) -> None:
        """Ask it to end as an orchestrator does, and see that it does."""
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(self.ended, PATIENCE_S)
        await self._client.aclose()


@asynccontextmanager
async def running(found: Settings) -> AsyncIterator[Running]:
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    service = Running(found, port)
    yield service
    await service.end()


def said(logs: list[EventDict]) -> list[tuple[str, str, str]]:
    """Which parts said that they wait, and for what, or go on."""
    return [
        (log["part"], log["event"], log.get("for_what") or log["after"])
        for log in logs
        if log["event"] in ("waiting", "going on")
    ]


async def test_a_service_that_starts_without_its_database_waits_for_it(
    prepared: Settings, own_postgres: EmbeddedPostgres, logs: list[EventDict]
) -> None:
    await asyncio.to_thread(own_postgres.stop)
    async with running(prepared) as service:
        await eventually(lambda: service.waits_for("the database"))
        assert not service.is_up.is_set()
        await asyncio.to_thread(own_postgres.start)
        await eventually(service.missing, [])
    assert said(logs) == [("start", "waiting", "the database"), ("start", "going on", "the database")]


async def test_a_service_that_starts_without_kafka_waits_for_it(
    prepared: Settings, own_kafka: ApacheKafka, logs: list[EventDict]
) -> None:
    await asyncio.to_thread(own_kafka.crash)
    async with running(prepared) as service:
        await eventually(lambda: service.waits_for("Kafka"))
        await asyncio.to_thread(own_kafka.start)
        await eventually(service.missing, [])
    started = [line for line in said(logs) if line[0] == "start"]
    assert started == [("start", "waiting", "Kafka"), ("start", "going on", "Kafka")]


@pytest.mark.parametrize("away", ["the database", "Kafka"])
async def test_a_service_that_waits_for_a_server_ends_when_it_is_asked_to(
    prepared: Settings, own_kafka: ApacheKafka, own_postgres: EmbeddedPostgres, away: str
) -> None:
    server = own_postgres if away == "the database" else own_kafka
    await asyncio.to_thread(server.crash)
    async with running(prepared) as service:
        await eventually(lambda: service.waits_for(away))
    await asyncio.to_thread(server.start)


async def test_what_only_a_person_can_mend_ends_the_start(prepared: Settings, own_postgres: EmbeddedPostgres) -> None:
    prepared = prepared.model_copy(update={"http_port": free_port() - NAMES.index("inventory")})
    not_made = prepared.model_copy(update={"postgres_prefix": "never_made_"})
    with pytest.raises(NotPrepared, match="The database of inventory lacks itself: run `tekil migrate`"):
        await run_service("inventory", not_made, print)
    wrong = own_postgres.url.replace("@", "-and-more@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run_service("inventory", prepared.model_copy(update={"postgres": SecretStr(wrong)}), print)


async def test_a_service_with_nothing_to_say_notices_that_kafka_is_away(
    prepared: Settings, own_kafka: ApacheKafka, logs: list[EventDict]
) -> None:
    async with running(prepared) as service:
        await eventually(service.missing, [])
        await asyncio.to_thread(own_kafka.crash)
        await eventually(lambda: service.waits_for("Kafka"))
        await asyncio.to_thread(own_kafka.start)
        await eventually(service.missing, [])
    assert said(logs) == [("consumer", "waiting", "Kafka"), ("consumer", "going on", "Kafka")]


async def test_intake_answers_before_kafka_was_ever_there() -> None:
    with pytest.raises(Problem) as refused:
        await Intake(bootstrap="127.0.0.1:1", prefix="", token=None).publish(received("A", 1, "r1"))
    assert refused.value.details.slug == "kafka-out-of-reach"
