"""A network that fails: a TCP proxy in front of a server, whose connections can be cut, stalled or left half open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CHUNK_BYTES = 65_536


@dataclass(eq=False)
class _Link:
    """A client's connection and the one behind it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    half_open: bool = False

    def reset(self) -> None:
        """End both at once, without a goodbye."""
        for side in (self.client, self.server):
            side.transport.abort()


class Proxy:
    """Forwards a port of its own on 127.0.0.1 to `target`, as well as the network lets it."""

    def __init__(self) -> None:
        self.port = self.target = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._links: set[_Link] = set()

    def cut(self) -> None:
        """Reset every connection, and each new one."""
        self._refusing = True
        for link in self._links:
            link.reset()

    def stall(self) -> None:
        """Keep every connection, and hold what is on its way until it heals: then it arrives, late."""
        self._flowing.clear()

    def half_open(self) -> None:
        """Let the server see the present connections end, and their clients hear nothing at all. New ones work."""
        for link in self._links:
            link.half_open = True
            link.server.transport.abort()

    def heal(self) -> None:
        """Work again. What is half open has missed something, so it is reset."""
        self._refusing = False
        self._flowing.set()
        for link in self._links:
            if link.half_open:
                link.reset()

    async def accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Forward one connection until it ends."""
        try:
            await self._flowing.wait()
            if self._refusing:
                return
            answers, server = await asyncio.open_connection("127.0.0.1", self.target)
            await self._forward(_Link(client, server), reader, answers)
        except OSError:
            pass  # The server is away, as it may be: the client's connection is reset.
        finally:
            client.transport.abort()

    async def _forward(self, link: _Link, requests: asyncio.StreamReader, answers: asyncio.StreamReader) -> None:
        self._links.add(link)
        try:
            await self._pump_both(link, requests, answers)
            if link.half_open:
                await _swallow(requests)
        finally:
            link.reset()
            self._links.discard(link)

    async def _pump_both(self, link: _Link, requests: asyncio.StreamReader, answers: asyncio.StreamReader) -> None:
        """Forward both ways until one ends."""
        ways = ((requests, link.server), (answers, link.client))
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flowing.wait()
                sink.write(chunk)
                await sink.drain()


async def _swallow(requests: asyncio.StreamReader) -> None:
    """Let what a client says reach nobody, until it gives up or is reset."""
    with suppress(OSError):
        while await requests.read(CHUNK_BYTES):
            pass


@asynccontextmanager
async def proxy() -> AsyncIterator[Proxy]:
    """Listen on a free port; set `target` before anybody connects."""
    made = Proxy()
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
