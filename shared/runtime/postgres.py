"""A PostgreSQL server of our own, for one command, one test run or one bench.

It is as durable as a production one (fsync and synchronous_commit stay on), so what is measured on it means something.
"""

import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from shared.runtime.postgres_binaries import find_binaries
from shared.runtime.process import Launch, ServerFailed, ServerProcess, free_port

START_TIMEOUT_S = 30.0
CONNECTIONS_MAX = 200
SUPERUSER = "tekil"
READY = "database system is ready to accept connections"


class EmbeddedPostgres:
    """A PostgreSQL server on a free port of 127.0.0.1, running inside the `with` block.

    Without a `directory` the data is temporary and goes when the block ends; with one it stays there and is
    found again. `options` are extra server settings. Raises PostgresMissing or ServerFailed.
    """

    def __init__(self, directory: Path | None = None, *, options: Mapping[str, str] | None = None) -> None:
        self._binaries = find_binaries()
        self._keep = directory is not None
        # Absolute, because the server starts in another working directory.
        self._directory = (directory or Path(tempfile.mkdtemp(prefix="tekil-postgres-"))).resolve()
        self._options = dict(options or {})
        self._port = free_port()
        self._password = ""
        self._process: ServerProcess | None = None

    @property
    def source(self) -> str:
        """Where the binaries came from, as in "wheel 18.4" or "path 15.18"."""
        return self._binaries.source

    @property
    def url(self) -> str:
        """The base URL, `postgresql://user:password@127.0.0.1:port`: append "/" and a database. Not for a log."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            self._password = self._initialise()
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._discard()

    def start(self) -> None:
        """Start the server and wait until it answers; after `stop` or `crash`, on the same port and data."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": str(CONNECTIONS_MAX),
            **self._options,
        }
        process = ServerProcess(
            Launch(
                command=[
                    str(self._binaries.directory / "postgres"),
                    f"-D{self._data}",
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                log=self._directory / "postgres.log",
                stop_signal=signal.SIGINT,
                user=self._binaries.user,
            )
        )
        self._process = process.wait_until(lambda: process.has_said(READY), timeout_s=START_TIMEOUT_S)

    def stop(self) -> None:
        """Stop the server cleanly: sessions are cut, everything is on disk."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def crash(self) -> None:
        """Kill the server as a power cut would; `start` then recovers from the write-ahead log."""
        if self._process is not None:
            self._process.crash()
            self._process = None

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _initialise(self) -> str:
        """Make the data directory unless it is there; returns the superuser's password."""
        password = self._directory / "password"
        if (self._data / "PG_VERSION").exists():
            return password.read_text()
        self._data.mkdir(parents=True, mode=0o700)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(18))
        if self._binaries.user is not None:
            for path in (self._directory, self._data, password):
                shutil.chown(path, self._binaries.user)
        # Temporary data need not outlive the machine, so initdb need not flush it.
        flush = [] if self._keep else ["--no-sync"]
        made = subprocess.run(
            [
                self._binaries.directory / "initdb",
                f"--pgdata={self._data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
                *flush,
            ],
            user=self._binaries.user,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            user = self._binaries.user or "this user"
            raise ServerFailed(f"initdb, run by {user}, failed in {self._data}: {made.stderr.strip()}")
        return password.read_text()

    def _discard(self) -> None:
        if not self._keep:
            shutil.rmtree(self._directory, ignore_errors=True)


def server_of(url: str) -> str:
    """Return host and port of a base URL, for a person or a log: what stands before them is a password."""
    return url.rpartition("@")[2].removeprefix("postgresql://")


async def create_databases(url: str, names: Iterable[str]) -> tuple[str, ...]:
    """Create each database that the server at base `url` lacks; returns the names of those it created."""
    connection = await asyncpg.connect(f"{url}/postgres")
    try:
        known = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        missing = tuple(name for name in names if name not in known)
        for name in missing:
            # An identifier cannot be a parameter; doubling the quotes is PostgreSQL's own way to quote one.
            quoted = name.replace('"', '""')
            await connection.execute(f'CREATE DATABASE "{quoted}"')
        return missing
    finally:
        await connection.close()
