"""What the HTTP of every service has in common: probes, metrics, and problems that say what is wrong."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Annotated, Any, Literal, Protocol

import asyncpg
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from shared.runtime.away import AWAY
from shared.runtime.http_page import POLICY, page

PROBLEM = "application/problem+json"
RETRY_AFTER_S = 5
_SCHEMAS = "#/components/schemas/"
_UNREACHABLE = (*AWAY, asyncpg.InterfaceError)


class View(BaseModel):
    """What is shown of a thing: the fields of these names, and nothing else."""

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)


class Fault(View):
    """One thing that is wrong with a request."""

    field: str
    """Where: a path through the body such as `lines.0.quantity`, or a parameter."""
    fault: str
    """What: never with the value that was sent."""


class ProblemDetails(View):
    """Why a request was not answered (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    """The status in words."""
    status: int
    slug: str
    """The reason, for machines: it does not change."""
    detail: str
    """The reason, for people."""
    faults: tuple[Fault, ...] = ()
    """Every fault found, where it is the request that is wrong."""


class Problem(Exception):
    """A request that cannot be answered, and why."""

    def __init__(
        self, status: HTTPStatus, slug: str, detail: str, *, faults: Sequence[Fault] = (), **headers: str
    ) -> None:
        super().__init__(slug)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.details = ProblemDetails(
            title=status.phrase, status=status, slug=slug, detail=detail, faults=tuple(faults)
        )


def invalid(field: str, fault: str) -> Problem:
    """Return the problem of a request with a fault that its description alone does not rule out."""
    return _not_as_described([Fault(field=field, fault=fault)])


def _not_as_described(faults: Sequence[Fault]) -> Problem:
    detail = "The request is not as described."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, faults=faults)


class Window(Protocol):
    """What HTTP sees of the machine behind it."""

    def failed(self) -> Sequence[str]:
        """Return what has ended that only a restart brings back."""

    async def missing(self) -> Sequence[str]:
        """Return what keeps it from its work."""

    async def metrics(self) -> bytes:
        """Return its metrics as Prometheus reads them."""

    def reading(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Give a connection that can only read."""


async def _reading(request: Request) -> AsyncIterator[asyncpg.Connection]:
    window: Window = request.app.state.window
    try:
        async with window.reading() as connection:
            yield connection
    except _UNREACHABLE as error:
        detail = "The database does not answer. Nothing is lost; ask again in a moment."
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "database-out-of-reach", detail, Retry_After=str(RETRY_AFTER_S)
        ) from error


Reading = Annotated[asyncpg.Connection, Depends(_reading)]
"""A connection to the service's database that can only read."""


class _ServiceApp(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Describe the API. FastAPI knows problems only as JSON, so we name their schema ourselves."""
        described = super().openapi()
        problem = ProblemDetails.model_json_schema(ref_template=_SCHEMAS + "{model}")
        described["components"]["schemas"] |= {**problem.pop("$defs"), "ProblemDetails": problem}
        return described


def service_app(name: str, window: Window, *routers: APIRouter) -> FastAPI:
    """Return the HTTP of a service: its own routers, and the probes and metrics of the member behind `window`."""
    app = _ServiceApp(
        title=f"Tekil: {name}",
        description=f"What the {name} service knows. The truth is on Kafka; this is for people who ask.",
        version="1",
        # FastAPI's own pages load scripts from afar; ours is below.
        docs_url=None,
        redoc_url=None,
        # A path that does not exist is said not to exist, rather than sent elsewhere.
        redirect_slashes=False,
        responses={
            "default": {
                "description": "Why not",
                "content": {PROBLEM: {"schema": {"$ref": _SCHEMAS + "ProblemDetails"}}},
            }
        },
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.window = window
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    for router in (*routers, _probes):
        app.include_router(router)
    return app


_probes = APIRouter(tags=["operations"])


class Health(View):
    """Whether the process should be restarted."""

    status: Literal["alive", "failed"]
    failed: tuple[str, ...] = ()
    """Tasks that have ended and should not have."""


class Readiness(View):
    """Whether the process does its work."""

    status: Literal["ready", "not ready"]
    missing: tuple[str, ...] = ()
    """What keeps it from its work, in words."""


@_probes.get(
    "/healthz",
    summary="Is the process alive, and every task of it?",
    response_model=Health,
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Health, "description": "It is not"}},
)
async def healthz(request: Request) -> Response:
    """Answer 503 where only a restart would help."""
    failed = tuple(request.app.state.window.failed())
    return _state(Health(status="failed" if failed else "alive", failed=failed), ok=not failed)


@_probes.get(
    "/readyz",
    summary="Does it do its work?",
    response_model=Readiness,
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Readiness, "description": "It does not"}},
)
async def readyz(request: Request) -> Response:
    """Answer 503, and what is missing, where it does not."""
    missing = tuple(await request.app.state.window.missing())
    return _state(Readiness(status="not ready" if missing else "ready", missing=missing), ok=not missing)


@_probes.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Answer with the page that describes all this to people."""
    return HTMLResponse(page(request.app.openapi()), headers={"Content-Security-Policy": POLICY})


@_probes.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={HTTPStatus.OK: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus' text format."""
    return Response(await request.app.state.window.metrics(), media_type=CONTENT_TYPE_LATEST)


def _state(state: View, *, ok: bool) -> Response:
    return JSONResponse(state.model_dump(), HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)


async def _problem(_request: Request, problem: Any) -> Response:
    return _shown(problem.details, problem.headers)


async def _invalid(_request: Request, error: Any) -> Response:
    faults = [Fault(field=".".join(map(str, each["loc"])), fault=each["msg"]) for each in error.errors()]
    return _shown(_not_as_described(faults).details, {})


async def _refused(_request: Request, error: Any) -> Response:
    """Word what the framework refuses, such as a path that does not exist, like everything else."""
    status = HTTPStatus(error.status_code)
    slug = status.phrase.lower().replace(" ", "-")
    return _shown(Problem(status, slug, f"{status.description or status.phrase}.").details, error.headers)


async def _broken(_request: Request, _error: Exception) -> Response:
    """Say nothing of a bug to the world: the server logs it."""
    detail = "Something went wrong here, and was logged."
    return _shown(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail).details, {})


def _shown(details: ProblemDetails, headers: dict[str, str] | None) -> Response:
    shown = details.model_dump(mode="json", exclude=None if details.faults else {"faults"})
    return JSONResponse(shown, details.status, headers, media_type=PROBLEM)
