"""Who is measured: five services as five processes, on topics and databases of their own."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from services.registry import NAMES
from services.running import migrate_all
from shared.runtime.process import Launch, ServerProcess, free_port
from shared.runtime.settings import VARIABLE_PREFIX, Settings
from shared.runtime.topics import apply
from tests.bench.ground import Ground, appeared
from tests.bench.weights import niceness, weigh

SECRET = "the secret of the bench"
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A build of the five services. `command` runs one of them; `ready` is what it logs when it consumes."""

    name: str
    command: Callable[[str], Sequence[str]]
    ready: str
    create: Callable[["Contender", Ground], None]
    """Makes its databases."""
    needs_a_world: bool = True
    """Whether places and goods must be described to it before it can sell."""

    @property
    def prefix(self) -> str:
        """What its topics and groups begin with."""
        return f"bench-{self.name}."

    def database(self, service: str) -> str:
        """Return the name of a service's database."""
        return f"{self.name}_{service}"

    def settings(self, ground: Ground) -> dict[str, str]:
        """Return the `TEKIL_*` variables of its processes."""
        return {
            "KAFKA": ground.bootstrap,
            "POSTGRES": ground.postgres,
            "TOPIC_PREFIX": self.prefix,
            "POSTGRES_PREFIX": f"{self.name}_",
            "PICKUP_SECRET": SECRET,
            "LOG_LEVEL": "WARNING",
        }

    def prepare(self, ground: Ground) -> None:
        """Create its topics and databases."""
        apply(ground.bootstrap, prefix=self.prefix)
        self.create(self, ground)


def migrate(contender: Contender, ground: Ground) -> None:
    """Create and migrate the databases as `tekil migrate` does."""
    settings = Settings(postgres_prefix=f"{contender.name}_", pickup_secret=SecretStr(SECRET))
    asyncio.run(migrate_all(settings, ground.postgres))


TEKIL = Contender(
    name="tekil",
    command=lambda service: [sys.executable, "-m", "services.cli", "run", service],
    ready="Tekil is up",
    create=migrate,
)


@dataclass(frozen=True)
class Team:
    """A contender that runs: its processes, by service. Several members of a service are several processes."""

    contender: Contender
    ground: Ground
    pids: Mapping[str, Sequence[int]]
    logs: Path = field(repr=False)


@contextmanager
def running(
    contender: Contender, ground: Ground, *, services: Sequence[str] = NAMES, members: Mapping[str, int] | None = None
) -> Iterator[Team]:
    """Run a contender's services, each in one process or as many as `members` says, and stop them at the end.

    Each has the weight of its container in docker-compose.yml.
    """
    with tempfile.TemporaryDirectory(prefix="tekil-bench-") as folder, _stopped_together() as stopping:
        logs = Path(folder)
        started: dict[str, list[tuple[ServerProcess, int]]] = {}
        for service in services:
            for member in range((members or {}).get(service, 1)):
                process, pid = _start(contender, ground, service, logs / f"{service}-{member}.log")
                stopping.append(process)
                started.setdefault(service, []).append((process, pid))
        for processes in started.values():
            for process, _ in processes:
                process.wait_until(lambda process=process: process.has_said(contender.ready), timeout_s=START_TIMEOUT_S)  # type: ignore[misc]
        pids = {service: [pid for _, pid in processes] for service, processes in started.items()}
        yield Team(contender, ground, pids, logs)


@contextmanager
def _stopped_together() -> Iterator[list[ServerProcess]]:
    """Give a list of processes that end with the block, all at once: each takes a second or two."""
    processes: list[ServerProcess] = []
    try:
        yield processes
    finally:
        with ThreadPoolExecutor(max_workers=len(processes) or 1) as pool:
            list(pool.map(ServerProcess.stop, processes))


def _start(contender: Contender, ground: Ground, service: str, log: Path) -> tuple[ServerProcess, int]:
    given = contender.settings(ground) | {"HTTP_PORT": str(free_port() - NAMES.index(service))}
    launch = Launch(command=["nice", "-n", str(niceness(service)), *contender.command(service)], log=log)
    with _environment({VARIABLE_PREFIX + name: value for name, value in given.items()}):
        process, pid = appeared(lambda: ServerProcess(launch))
    weigh(service, pid)
    return process, pid


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Set variables for what is started in the block, and no others of Tekil's."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(VARIABLE_PREFIX):
            del os.environ[name]
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
