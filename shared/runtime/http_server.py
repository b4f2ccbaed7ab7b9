"""Serving HTTP inside a program that has more to do: uvicorn on a socket of ours, without signals of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

BACKLOG = 128
CONCURRENT_MAX = 200
"""Requests and idle connections at once; more are answered 503."""
GRACE_S = 3
"""How long requests in hand may take once the server stops."""
LOOK_AGAIN_S = 0.005


class PortTaken(RuntimeError):
    """Somebody else listens there; the message names the variable to change."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port, 0 for any that is free. Raises PortTaken."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise PortTaken(
            f"{host}:{port} cannot be had ({error.strerror}): set TEKIL_HTTP_PORT or TEKIL_HTTP_HOST."
        ) from None
    return bound


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: whoever runs several servers and a consumer decides in which order they stop."""
        yield


@asynccontextmanager
async def serving(app: FastAPI, bound: socket.socket) -> AsyncIterator[str]:
    """Serve an application on a bound socket inside the block; yields its URL once it answers."""
    host, port = bound.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=CONCURRENT_MAX,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([bound]), name=f"http {port}")
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event to wait for.
        await asyncio.sleep(LOOK_AGAIN_S)
    try:
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task
