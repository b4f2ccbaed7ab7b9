"""HTTP in front of services that run: what it takes in, what it shows, and that its probes tell the truth."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from services.members import Served
from services.registry import NAMES, all_services
from services.running import Addresses, NotPrepared, Up, run_all, run_service, servers
from shared.events.samples import read_samples
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.http_server import PortTaken, listen
from shared.runtime.postgres import EmbeddedPostgres
from shared.runtime.settings import Settings

PATIENCE_S = 60.0
LOOK_AGAIN_S = 0.02
TOKEN = "open sesame, please"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SALE = read_samples()["sale.recorded"]
BEARER = {"authorization": f"Bearer {TOKEN}", "content-type": "application/cloudevents+json"}


def settings(**changed: Any) -> Settings:
    """Settings as they are where no variable is set, but for these."""
    unset = {name: field.default for name, field in Settings.model_fields.items()}
    ours = {"intake_token": SecretStr(TOKEN), "pickup_secret": SecretStr("sixteen-or-more-letters"), "http_port": 1}
    return Settings(**{**unset, **ours, **changed})


@pytest.fixture
async def order(kafka: str, postgres: str, topic_prefix: str) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP of an order service that runs on servers of its own name."""
    name = topic_prefix.strip(".").replace("-", "_")
    found = settings(kafka=kafka, postgres=SecretStr(postgres), topic_prefix=topic_prefix, postgres_prefix=f"{name}_")
    async with servers(found) as addresses, member("order", found, addresses) as client:
        yield client


@asynccontextmanager
async def member(name: str, found: Settings, addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    service = next(service for service in all_services(found) if service.name == name)
    served = Served(service, found, bootstrap=addresses.bootstrap, postgres=addresses.postgres)
    await served.start()
    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tekil") as client:
        try:
            yield client
        finally:
            await served.stop()


Ask = Callable[[], Awaitable[httpx.Response]]


async def eventually(ask: Ask, holds: Callable[[httpx.Response], bool]) -> httpx.Response:
    async with asyncio.timeout(PATIENCE_S):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - nothing tells when an answer will change.
            await asyncio.sleep(LOOK_AGAIN_S)
    return answer


async def until(ask: Ask, status: int) -> httpx.Response:
    return await eventually(ask, lambda answer: answer.status_code == status)


def figure(metrics: str, name: str) -> float:
    return next(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(f"{name} "))


async def test_a_sale_that_comes_in_over_http_is_a_completed_order(order: httpx.AsyncClient) -> None:
    await until(lambda: order.get("/readyz"), 200)
    told = await order.post("/v1/events", headers=BEARER, json=SALE)
    assert told.status_code == 202
    assert told.json() == {
        "id": SALE["id"], "source": SALE["source"], "type": "sale.recorded", "topic": "tekil.channel.v1",
    }  # fmt: skip
    shown = await until(lambda: order.get(f"/v1/orders/{SALE['data']['order_id']}"), 200)
    assert shown.json()["status"] == "completed"
    assert [line["pieces"]["collected"] for line in shown.json()["lines"]] == [
        line["quantity"] for line in SALE["data"]["lines"]
    ]


async def test_an_event_that_is_sent_again_counts_once(order: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await order.post("/v1/events", headers=BEARER, json=SALE)).status_code == 202
    counted = await eventually(lambda: order.get("/metrics"), lambda told: 'outcome="repeated"} 2.0' in told.text)
    assert 'tekil_messages_total{outcome="decided"} 1.0' in counted.text


async def test_the_trace_of_the_request_reaches_kafka(order: httpx.AsyncClient, kafka: str, topic_prefix: str) -> None:
    await order.post("/v1/events", headers={**BEARER, "traceparent": TRACE}, json=SALE)
    async with AIOKafkaConsumer(
        f"{topic_prefix}tekil.channel.v1", bootstrap_servers=kafka, auto_offset_reset="earliest"
    ) as consumer:
        record = await asyncio.wait_for(consumer.getone(), PATIENCE_S)
    assert dict(record.headers)["traceparent"] == TRACE.encode()
    assert record.key == SALE["data"]["order_id"].encode()


async def test_without_the_token_nothing_comes_in(order: httpx.AsyncClient) -> None:
    refused = await order.post("/v1/events", headers={**BEARER, "authorization": "Bearer guess"}, json=SALE)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_an_event_that_is_too_large_is_not_read_to_its_end(order: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield b"x" * 100_000

    refused = await order.post("/v1/events", headers=BEARER, content=endless())
    assert (refused.status_code, refused.json()["slug"]) == (413, "event-too-large")
    assert read <= 1_200_000


async def test_a_customers_orders_come_page_by_page(order: httpx.AsyncClient) -> None:
    for number in range(5):
        sold = {**SALE["data"], "order_id": f"R-{number}", "customer_id": "c-1"}
        event = {
            **SALE,
            "id": f"R-{number}",
            "subject": f"R-{number}",
            "time": f"2026-03-0{number + 1}T10:00:00Z",
            "data": sold,
        }
        assert (await order.post("/v1/events", headers=BEARER, json=event)).status_code == 202
        await until(lambda number=number: order.get(f"/v1/orders/R-{number}"), 200)  # type: ignore[misc]
    pages, parameters = [], {"limit": "2"}
    for _ in range(3):
        page = (await order.get("/v1/customers/c-1/orders", params=parameters)).json()
        pages.append([each["order_id"] for each in page["orders"]])
        parameters["before"] = page["next"]
    assert page["next"] is None
    assert pages == [["R-4", "R-3"], ["R-2", "R-1"], ["R-0"]]


async def test_readiness_goes_with_the_database_and_comes_back_with_it() -> None:
    with EmbeddedKafka() as kafka, EmbeddedPostgres() as postgres:
        found = settings(kafka=kafka.bootstrap, postgres=SecretStr(postgres.url))
        addresses = Addresses(bootstrap=kafka.bootstrap, postgres=postgres.url, running_on="")
        async with servers(settings(postgres=SecretStr(postgres.url))), member("order", found, addresses) as order:
            await until(lambda: order.get("/readyz"), 200)
            assert figure((await order.get("/metrics")).text, "tekil_database_answering") == 1

            await asyncio.to_thread(postgres.stop)
            gone = await until(lambda: order.get("/readyz"), 503)
            assert "the database does not answer" in gone.json()["missing"]
            assert (await order.get("/healthz")).status_code == 200
            assert (await order.get("/v1/orders/W-1")).json()["slug"] == "database-out-of-reach"
            metrics = (await order.get("/metrics")).text
            assert figure(metrics, "tekil_database_answering") == 0
            assert str(figure(metrics, "tekil_outbox_depth")) == "nan"

            # What comes in meanwhile waits, and readiness says so; nothing is lost.
            assert (await order.post("/v1/events", headers=BEARER, json=SALE)).status_code == 202
            await eventually(lambda: order.get("/readyz"), lambda told: "it waits for the database" in told.text)
            await asyncio.to_thread(postgres.start)
            await until(lambda: order.get("/readyz"), 200)
            await until(lambda: order.get(f"/v1/orders/{SALE['data']['order_id']}"), 200)


async def test_a_task_that_has_ended_makes_the_process_one_to_be_restarted(order: httpx.AsyncClient) -> None:
    assert (await order.get("/healthz")).json() == {"status": "alive", "failed": []}
    [ticker] = [task for task in asyncio.all_tasks() if "Member._tick_forever" in str(task.get_coro())]
    ticker.cancel()
    failed = await until(lambda: order.get("/healthz"), 503)
    assert failed.json() == {"status": "failed", "failed": ["Member._tick_forever"]}


async def test_all_five_serve_until_a_signal_and_are_not_ready_while_they_stop() -> None:
    serving: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    free = listen("127.0.0.1", 0).getsockname()[1]
    running = asyncio.create_task(run_all(settings().model_copy(update={"http_port": free}), serving.set_result))
    up = await asyncio.wait_for(serving, PATIENCE_S)
    assert list(up.urls) == list(NAMES)
    states = []
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        for url in up.urls.values():
            await until(lambda url=url: client.get(f"{url}/readyz"), 200)  # type: ignore[misc]
        os.kill(os.getpid(), signal.SIGTERM)
        while not running.done():
            try:
                states.append((await client.get(f"{up.urls['order']}/readyz")).json())
            except httpx.TransportError:
                break
    await asyncio.wait_for(running, PATIENCE_S)
    assert "it is stopping" in [gap for state in states for gap in state["missing"]]


async def test_a_service_does_not_start_on_a_database_that_lacks_something(kafka: str, postgres: str) -> None:
    found = settings(kafka=kafka, postgres=SecretStr(postgres), postgres_prefix="never_made_")
    with pytest.raises(NotPrepared, match="The database of order lacks itself: run `tekil migrate`"):
        await run_service("order", found, print)


async def test_one_service_alone_needs_servers_that_others_use_too() -> None:
    with pytest.raises(NotPrepared, match="TEKIL_KAFKA and TEKIL_POSTGRES"):
        await run_service("order", settings(), print)


def test_a_port_that_is_taken_names_the_variable() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(PortTaken, match="TEKIL_HTTP_PORT"):
            listen("127.0.0.1", taken.getsockname()[1])
