"""Members in processes of their own, which a test may kill."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from tests.mesh.place import PATIENCE_S, Place

ROOT = Path(__file__).parents[2]


class Process:
    """Members in a process of their own, which a test may kill. Their clocks stand still at NOON."""

    def __init__(self, place: Place, services: Iterable[str], *, name: str, log: Path) -> None:
        self.name, self.log = name, log / f"{name}.log"
        databases = {service: f"{place.databases[service]}?application_name={name}" for service in services}
        given = {"bootstrap": place.bootstrap, "prefix": place.prefix, "databases": databases}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.mesh.member_process"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(given).encode() + b"\n")
        self._process.stdin.flush()

    async def ready(self) -> Self:
        """Wait until its members have joined."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), PATIENCE_S)
        assert line == b"ready\n", f"{self.name} did not start:\n{self.log.read_text()}"
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._close()

    def pause(self) -> None:
        """Let it stand still, as a machine does that has no time for it."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, knowing of nothing."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to leave, and see that it leaves well."""
        self._process.terminate()
        status = self._process.wait(PATIENCE_S)
        self._close()
        assert status == 0, f"{self.name} ended with {status}:\n{self.log.read_text()}"

    def _close(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()


@asynccontextmanager
async def processes(place: Place, services: Sequence[str], *names: str, log: Path) -> AsyncIterator[list[Process]]:
    """Start a process for each name, and kill what is left of them at the end."""
    started = [Process(place, services, name=name, log=log) for name in names]
    try:
        await asyncio.gather(*(process.ready() for process in started))
        yield started
    finally:
        for process in started:
            process.kill()
