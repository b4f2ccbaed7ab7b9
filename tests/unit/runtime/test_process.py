"""A server never outlives us, and says why it did not start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.runtime.process import PORTS, Launch, ServerFailed, ServerProcess, free_port

# Ignores the terminal's Ctrl-C, tells its process id, and leaves on SIGTERM with the word "bye".
SERVER = 'trap "echo bye; exit 0" TERM; echo "pid $$"; while :; do sleep 0.05; done'

PARENT = """
import os, signal, sys
from pathlib import Path
from shared.runtime.process import Launch, ServerProcess
server = ServerProcess(Launch(command=["/bin/sh", "-c", sys.argv[1]], log=Path(sys.argv[2])))
server.wait_until(lambda: server.has_said("pid "), timeout_s=5)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def launch(script: str, log: Path) -> ServerProcess:
    return ServerProcess(Launch(command=["/bin/sh", "-c", script], log=log))


def pid_in(log: Path) -> int:
    return int(log.read_text().split()[1])


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(holds: Callable[[], bool], *, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_a_server_ends_when_its_parent_is_killed(log: Path) -> None:
    parent = subprocess.run([sys.executable, "-c", PARENT, SERVER, log], check=False)

    assert parent.returncode == -signal.SIGKILL
    assert eventually(lambda: log.read_text().endswith("bye\n"))
    assert eventually(lambda: not runs(pid_in(log)))


def test_a_stopped_server_is_asked_first_and_gone_after(log: Path) -> None:
    server = launch(SERVER, log)
    server.wait_until(lambda: server.has_said("pid "), timeout_s=5)

    server.stop()

    assert log.read_text().endswith("bye\n")
    assert not runs(pid_in(log))


def test_a_crash_asks_nobody(log: Path) -> None:
    server = launch(SERVER, log)
    server.wait_until(lambda: server.has_said("pid "), timeout_s=5)

    server.crash()

    assert "bye" not in log.read_text()
    assert not runs(pid_in(log))


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(log: Path) -> None:
    with pytest.raises(ServerFailed, match=r"sh ended with status 3; its last words:\n  no such disk"):
        launch("echo no such disk; exit 3", log).wait_until(lambda: False, timeout_s=5)


def test_a_silent_server_is_given_up_and_killed(log: Path) -> None:
    server = launch(SERVER, log)
    server.wait_until(lambda: server.has_said("pid "), timeout_s=5)

    with pytest.raises(ServerFailed, match=r"sh was not ready after 0.1 s"):
        server.wait_until(lambda: False, timeout_s=0.1)

    assert not runs(pid_in(log))


def test_words_of_an_earlier_run_do_not_count(log: Path) -> None:
    log.write_text("ready\n")

    server = launch("exit 0", log)

    with pytest.raises(ServerFailed):
        server.wait_until(lambda: server.has_said("ready"), timeout_s=5)


def test_a_free_port_is_free_and_below_outgoing_connections() -> None:
    port = free_port()

    assert port in PORTS
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
