"""Server processes that cannot outlive us.

A server runs under a small shell that reads from a pipe we hold open. Closing the pipe stops the server, and so does
our death, however it comes: the kernel closes the pipe for us. That works from any thread and on any POSIX system,
which PR_SET_PDEATHSIG does not.
"""

import contextlib
import pwd
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

STOP_GRACE_S = 20.0
READY_POLL_S = 0.02
LOG_TAIL_LINES = 15

# Below the range for outgoing connections, so none can take the port between our choice and the bind.
PORTS = range(20_000, 32_000)
PORT_TRIES = 100

# Each line we write is a signal to pass on; the end of the pipe is `stop_signal`. The shell, not init, reaps the
# server: a dead but unreaped one still owns its lock files. `read` is a built-in, so it leaves no process behind.
LIFELINE = """
exec 3<&0
stop_signal=$1; shift
"$@" 3<&- </dev/null & server=$!
( while read -r asked <&3; do kill -s "$asked" "$server"; done; kill -s "$stop_signal" "$server" ) & lifeline=$!
wait "$server"; status=$?
kill "$lifeline" 2>/dev/null
exit "$status"
"""


class ServerFailed(RuntimeError):
    """A server ended or stayed silent instead of becoming ready; the message carries the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start one server. `stop_signal` is the one that makes it leave cleanly and soon."""

    command: Sequence[str]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None


class ServerProcess:
    """A running server; ends on `stop`, on `crash`, or when this process does."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        with launch.log.open("ab") as log:
            self._log_start = log.tell()
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", LIFELINE, "sh", _name(launch.stop_signal), *launch.command],
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=launch.user,
                group=_group(launch.user),
                extra_groups=None if launch.user is None else [],
                # Ctrl-C is for us: we stop our servers after the work that needs them.
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> Self:
        """Return once `ready`; raise ServerFailed if the server ends first or `timeout_s` pass."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self._shell.poll() is not None:
                self._reap()
                raise ServerFailed(self._failure(f"ended with status {self._shell.returncode}"))
            if time.monotonic() > deadline:
                self.crash()
                raise ServerFailed(self._failure(f"was not ready after {timeout_s:g} s"))
            time.sleep(READY_POLL_S)
        return self

    def has_said(self, words: str) -> bool:
        """Whether `words` are in what this run of the server has logged."""
        return words in self._said()

    def stop(self) -> None:
        """Ask the server to leave and wait for it; after STOP_GRACE_S it is killed."""
        self._signal(self._launch.stop_signal)
        try:
            self._shell.wait(STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self._reap()

    def crash(self) -> None:
        """Kill the server without warning, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._reap()

    def _signal(self, asked: signal.Signals) -> None:
        assert self._shell.stdin is not None
        # A server that has ended has no reader left, and needs no signal.
        with contextlib.suppress(BrokenPipeError):
            self._shell.stdin.write(f"{_name(asked)}\n".encode())

    def _reap(self) -> None:
        assert self._shell.stdin is not None
        self._shell.wait()
        self._shell.stdin.close()

    def _said(self) -> str:
        with self._launch.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _failure(self, what: str) -> str:
        last_words = self._said().splitlines()[-LOG_TAIL_LINES:]
        return "\n  ".join([f"{Path(self._launch.command[0]).name} {what}; its last words:", *last_words])


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    for port in random.sample(PORTS, PORT_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed(f"no free port found in {PORT_TRIES} tries between {PORTS.start} and {PORTS.stop}")


def _name(asked: signal.Signals) -> str:
    return asked.name.removeprefix("SIG")


def _group(user: str | None) -> int | None:
    if user is None:
        return None
    return pwd.getpwnam(user).pw_gid
