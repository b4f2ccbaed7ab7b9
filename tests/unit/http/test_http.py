"""What all services' HTTP has in common: probes that tell the truth, problems in one form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Query

from services.members import ROUTERS
from services.order.intake import Intake, intake_router
from shared.runtime.http import Reading, service_app
from shared.runtime.http_page import page


@dataclass
class Pane:
    """A window onto nothing, which shows what a test puts there."""

    ended: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    database: Exception | None = None

    def failed(self) -> list[str]:
        return self.ended

    async def missing(self) -> list[str]:
        return self.gaps

    async def metrics(self) -> bytes:
        return b"tekil_outbox_depth 7.0\n"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        if self.database is not None:
            raise self.database
        yield None


router = APIRouter()


@router.get("/shelf")
async def shelf(connection: Reading, limit: Annotated[int, Query(ge=1)] = 1) -> int:
    return limit


@router.get("/bug")
async def bug() -> None:
    raise LookupError("the password is 12345")


async def ask(pane: Pane, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(service_app("shop", pane, router), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return await client.request(method, path)


async def test_a_process_is_alive_until_a_task_of_it_has_ended() -> None:
    alive = await ask(Pane(), "/healthz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive", "failed": []})
    failed = await ask(Pane(ended=["relay"]), "/healthz")
    assert (failed.status_code, failed.json()) == (503, {"status": "failed", "failed": ["relay"]})


async def test_readiness_says_what_is_missing() -> None:
    ready = await ask(Pane(), "/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "missing": []})
    gaps = ["the database does not answer", "it waits for the database"]
    not_ready = await ask(Pane(gaps=gaps), "/readyz")
    assert (not_ready.status_code, not_ready.json()) == (503, {"status": "not ready", "missing": gaps})


async def test_metrics_are_in_the_format_that_prometheus_reads() -> None:
    answer = await ask(Pane(), "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.text == "tekil_outbox_depth 7.0\n"


@pytest.mark.parametrize(
    ("method", "path", "problem"),
    [
        ("GET", "/nowhere", {"title": "Not Found", "status": 404, "slug": "not-found"}),
        ("POST", "/shelf", {"title": "Method Not Allowed", "status": 405, "slug": "method-not-allowed"}),
        ("GET", "/bug", {"title": "Internal Server Error", "status": 500, "slug": "internal"}),
    ],
)
async def test_every_problem_has_one_form(method: str, path: str, problem: dict[str, Any]) -> None:
    answer = await ask(Pane(), path, method)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == problem["status"]
    told = answer.json()
    assert told.pop("detail").endswith(".")
    assert told == {"type": "about:blank", **problem}
    assert "12345" not in answer.text


async def test_a_request_that_is_not_as_described_is_told_where() -> None:
    answer = await ask(Pane(), "/shelf?limit=-4711")
    assert answer.status_code == 422
    assert answer.json()["faults"] == [{"field": "query.limit", "fault": "Input should be greater than or equal to 1"}]
    assert "4711" not in answer.text


async def test_a_path_without_what_it_is_about_does_not_exist_rather_than_leading_elsewhere() -> None:
    assert (await ask(Pane(), "/shelf/")).status_code == 404


async def test_the_page_for_people_runs_and_loads_nothing() -> None:
    answer = await ask(Pane(), "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("HTTP", "").replace("HTTPException", "")
    assert "<code>GET /shelf</code>" in answer.text


def test_what_describes_the_page_cannot_break_it() -> None:
    told = {"title": "<script>", "description": "a & b"}
    described = {"info": told, "paths": {}, "components": {"schemas": {"<i>": {"description": "<b>"}}}}
    shown = page(described)
    assert "<title>&lt;script&gt;</title>" in shown
    assert "<p>a &amp; b</p>" in shown
    assert '<h2 id="&lt;i&gt;">&lt;i&gt;</h2><p>&lt;b&gt;</p>' in shown


@pytest.mark.parametrize(
    "cause",
    [ConnectionRefusedError(), TimeoutError(), asyncpg.CannotConnectNowError(), asyncpg.InterfaceError("closed")],
)
async def test_without_its_database_a_service_asks_to_come_again(cause: Exception) -> None:
    answer = await ask(Pane(database=cause), "/shelf")
    assert (answer.status_code, answer.json()["slug"]) == (503, "database-out-of-reach")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("name", ROUTERS)
def test_every_route_and_thing_is_described(name: str) -> None:
    app = service_app(name, Pane(), ROUTERS[name], intake_router(Intake(bootstrap="", prefix="", token=None)))
    described = app.openapi()
    assert described["info"]["title"] == f"Tekil: {name}"
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    schemas = described["components"]["schemas"]
    assert {"ProblemDetails", "Fault"} <= schemas.keys()
    assert [each for each, schema in schemas.items() if "description" not in schema] == []


def test_no_pickup_code_is_ever_described() -> None:
    schemas = service_app("fulfilment", Pane(), ROUTERS["fulfilment"]).openapi()["components"]["schemas"]
    assert [name for schema in schemas.values() for name in schema.get("properties", {}) if "code" in name] == []
