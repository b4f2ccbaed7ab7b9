"""The floor as a contender: its services follow a script that was recorded beforehand."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.contender import Contender, migrate
from tests.bench.floor.script import Recorder
from tests.bench.world import Order

NAME = "floor"


@contextmanager
def scripted(recorder: Recorder, orders: Sequence[Order]) -> Iterator[Contender]:
    """Record what these orders cause, and give a contender that does it once more."""
    with tempfile.TemporaryDirectory(prefix="tekil-floor-") as folder:
        recorder.record(orders, Path(folder))
        yield contender(Path(folder))


def contender(folder: Path) -> Contender:
    """Return the contender whose scripts are in a folder."""

    def command(service: str) -> list[str]:
        return [sys.executable, "-m", "tests.bench.floor.member", service, str(folder / f"{service}.script")]

    return Contender(name=NAME, command=command, ready="ready", create=migrate, needs_a_world=False)
