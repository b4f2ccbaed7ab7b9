"""The processes of a round: members in pairs, and publishers. Each may be killed, paused and hired again."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos.load import NOON, Part
from tests.chaos.members import SharedClock
from tests.chaos.publishing import Told
from tests.chaos.schedule import Plan
from tests.mesh.place import Place

ROOT = Path(__file__).parents[2]
LOOK_S = 0.05
LEAVE_TIMEOUT_S = 40.0
"""A member leaves within 15 s; a process that is only starting may be in the middle of connecting."""
TELL_TIMEOUT_S = 120.0


class Misbehaved(Exception):
    """A process ended that nobody ended, or did not end when it was asked to."""


class Nursery:
    """Asks the process that forks all others."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.nursery"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                bufsize=1,
                # Ctrl-C is for us; the nursery ends its children and itself when its input ends.
                start_new_session=True,
            )
        self._asking = asyncio.Lock()

    async def ask(self, **order: Any) -> Any:
        """Give an order and return the answer."""
        async with self._asking:
            return await asyncio.shield(asyncio.to_thread(self._ask, json.dumps(order)))

    async def ended(self, pid: int, timeout_s: float) -> int | None:
        """Wait until a child ends and return with which status; None where it runs after that time."""
        until = asyncio.get_running_loop().time() + timeout_s
        while asyncio.get_running_loop().time() < until:
            if (status := await self.ask(order="ended", pid=pid)) is not None:
                return int(status)
            await asyncio.sleep(LOOK_S)
        return None

    def close(self) -> None:
        """End every child, and the nursery."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, order: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        return json.loads(self._process.stdout.readline())


@asynccontextmanager
async def nursery(log: Path) -> AsyncIterator[Nursery]:
    """Start a nursery, and end it with all that it has forked."""
    started = Nursery(log)
    try:
        yield started
    finally:
        await asyncio.to_thread(started.close)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs members of some services. Its name is that of its sessions in PostgreSQL, and of its log."""

    name: str
    group: tuple[str, ...]
    pid: int


class Crew:
    """Two processes for each group of services, and what to do with them."""

    def __init__(self, plan: Plan, place: Place, nursery: Nursery, folder: Path, *, bug: str) -> None:
        self._plan, self._place, self._nursery, self._folder, self._bug = plan, place, nursery, folder, bug
        self._numbers = count(1)
        self.running: dict[str, Process] = {}
        self.clock = SharedClock(folder / "clock")
        self.clock.move_to(NOON)

    async def hire_all(self) -> None:
        """Start two processes for each group."""
        for group in self._plan.groups:
            for _ in range(2):
                await self.hire(group)

    async def hire(self, group: tuple[str, ...]) -> Process:
        """Start a process."""
        name = f"{'-'.join(service[:3] for service in group)}-{next(self._numbers)}"
        databases = {service: f"{self._place.databases[service]}?application_name={name}" for service in group}
        given = {
            "bootstrap": self._place.bootstrap,
            "prefix": self._place.prefix,
            "databases": databases,
            "clock": str(self._folder / "clock"),
            "counts": str(self._folder / f"{name}.counts"),
            "bug": self._bug,
        }
        pid = await self._nursery.ask(order="fork", run="members", log=str(self._folder / f"{name}.log"), given=given)
        self.running[name] = Process(name, group, pid)
        return self.running[name]

    def pick(self, roll: int) -> Process:
        """Return one that runs."""
        return list(self.running.values())[roll % len(self.running)]

    def of(self, service: str) -> list[Process]:
        """Return those that run a member of a service."""
        return [process for process in self.running.values() if service in process.group]

    async def kill(self, process: Process) -> None:
        """End it as a power cut would. Raises Misbehaved where it had ended before."""
        del self.running[process.name]
        status = await self._nursery.ask(order="kill", pid=process.pid)
        if status != -signal.SIGKILL:
            raise Misbehaved(f"{process.name} had ended by itself, with {status}")

    async def kill_all(self) -> None:
        """End all that still run, however they fare."""
        for process in self.running.values():
            await self._nursery.ask(order="kill", pid=process.pid)

    async def dismiss(self, process: Process) -> None:
        """Ask it to leave, and see that it leaves well. Raises Misbehaved."""
        del self.running[process.name]
        await self._signal(process, signal.SIGTERM)
        status = await self._nursery.ended(process.pid, LEAVE_TIMEOUT_S)
        if status is None:
            raise Misbehaved(f"{process.name} was asked to leave and had not after {LEAVE_TIMEOUT_S:g} s")
        if status != 0:
            raise Misbehaved(f"{process.name} was asked to leave and ended with {status}")

    async def pause(self, process: Process) -> None:
        """Let it stand still where it is, its connections open. Raises Misbehaved where it had ended before."""
        await self._signal(process, signal.SIGSTOP)

    async def resume(self, process: Process) -> None:
        """Let it go on, as if no time had passed. Raises Misbehaved where it had ended before."""
        await self._signal(process, signal.SIGCONT)

    async def _signal(self, process: Process, signalled: signal.Signals) -> None:
        status = await self._nursery.ask(order="signal", pid=process.pid, signal=signalled)
        if status is not None:
            raise Misbehaved(f"{process.name} had ended by itself, with {status}")

    async def see_that_all_live(self) -> None:
        """Raise Misbehaved where one has ended by itself."""
        for process in self.running.values():
            if (status := await self._nursery.ask(order="ended", pid=process.pid)) is not None:
                raise Misbehaved(f"{process.name} ended by itself, with {status}")

    def counted(self) -> Mapping[str, int]:
        """Return the sums of what the members counted, those that were killed included."""
        sums: dict[str, int] = {}
        for file in self._folder.glob("*.counts-*.json"):
            for name, value in json.loads(file.read_text()).items():
                sums[name] = sums.get(name, 0) + int(value)
        return sums


class Publisher:
    """A process that tells a part of what the world has to say; killed, it begins a little before where it was."""

    def __init__(self, part: Part, plan: Plan, place: Place, nursery: Nursery, folder: Path) -> None:
        self.part, self._plan, self._place, self._nursery = part, plan, place, nursery
        self._log, self._told = folder / f"{part}.log", folder / f"{part}.told"
        self._began, self._pid = 0.0, 0

    async def start(self, began: float, *, back: int = 0) -> None:
        """Tell the rest, from `back` records before what Kafka has acknowledged. `began`: seconds since 1970."""
        self._began = began
        given = {
            "seed": self._plan.seed,
            "part": self.part,
            "start": max(0, Told(self._told).read() - back),
            "began": began,
            "load_s": 0 if self.part == "beginning" else self._plan.load_s,
            "bootstrap": self._place.bootstrap,
            "prefix": self._place.prefix,
            "told": str(self._told),
        }
        self._pid = await self._nursery.ask(order="fork", run="publisher", log=str(self._log), given=given)

    async def kill_for(self, seconds: float, *, back: int) -> None:
        """Kill it, and start it again some time later."""
        await self._nursery.ask(order="kill", pid=self._pid)
        await asyncio.sleep(seconds)
        await self.start(self._began, back=back)

    async def done(self) -> None:
        """Wait until all is told. Raises Misbehaved where it could not be."""
        status = await self._nursery.ended(self._pid, TELL_TIMEOUT_S)
        if status != 0:
            raise Misbehaved(f"the publisher of {self.part} ended with {status}, not all told")
