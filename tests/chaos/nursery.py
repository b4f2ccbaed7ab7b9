"""`python -m tests.chaos.nursery`: a process that has everything imported, and forks members and publishers.

So one costs milliseconds to start instead of a second and a half, and can be killed often. It takes an order, a line of
JSON, and answers with one. When its input ends, however that came about, it kills its children and ends.
"""

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from tests.chaos import members, publishing

RUNS: Mapping[str, Callable[[dict[str, Any]], None]] = {"members": members.run, "publisher": publishing.run}
PARENT_LOOK_S = 0.5


class Nursery:
    """The children: each runs, or has ended with a status."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._ended: dict[int, int] = {}

    def answer(self, order: dict[str, Any]) -> int | None:
        """Fork a child and return its process id, or return how one ended: None while it runs, a signal as negative."""
        match order.pop("order"):
            case "fork":
                return self._fork(**order)
            case "ended":
                self._reap()
                return self._ended.get(order["pid"])
            case "signal":
                if order["pid"] in self._running:
                    os.kill(order["pid"], order["signal"])
                return self._ended.get(order["pid"])
            case "kill":
                if order["pid"] in self._running:
                    os.kill(order["pid"], signal.SIGKILL)
                    self._note(*os.waitpid(order["pid"], 0))
                return self._ended[order["pid"]]
        raise ValueError(order)

    def kill_all(self) -> None:
        """End every child."""
        for pid in list(self._running):
            self.answer({"order": "kill", "pid": pid})

    def _fork(self, run: str, log: str, given: dict[str, Any]) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(run, Path(log), given, parent)
        self._running.add(pid)
        return pid

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._note(pid, status)

    def _note(self, pid: int, status: int) -> None:
        self._running.discard(pid)
        self._ended[pid] = os.waitstatus_to_exitcode(status)


def _live(run: str, log: Path, given: dict[str, Any], parent: int) -> None:
    """Be a child, and never return."""
    status = 1
    try:
        _take_over(log)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        RUNS[run](given)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _take_over(log: Path) -> None:
    """Leave the nursery's pipes alone, and write to a log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(level=logging.WARNING)


def _end_with(parent: int) -> None:
    """End when the nursery has ended, even if nobody told us."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_S)
    os._exit(1)


def main() -> None:
    """Answer orders until there are no more."""
    gc.freeze()
    nursery = Nursery()
    try:
        for line in sys.stdin:
            print(json.dumps(nursery.answer(json.loads(line))), flush=True)  # noqa: T201 - how it answers
    finally:
        nursery.kill_all()


if __name__ == "__main__":
    main()
