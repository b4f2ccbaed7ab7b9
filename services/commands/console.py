"""What all commands share: two consoles, settings, errors said in a line, exit codes that scripts can trust."""

import asyncio
import errno
import json
import os
import sys
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from services.commands.lines import has_width
from shared.runtime import logs
from shared.runtime.postgres import server_of
from shared.runtime.settings import Settings, complaints

T = TypeVar("T")

OK, FAILED, MISUSED = 0, 1, 2
"""Exit codes: it worked; what was asked did not come true; it was asked wrongly or could not be done."""
NOT_READ = 141
"""The exit code of a command whose reader has left, such as `head`: that of a program which SIGPIPE ends."""

FILE_COLUMNS = 160
"""How wide tables are where no terminal says: nothing that somebody may look for is cut."""

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 60.0
"""How long PostgreSQL may take to let a command in, and to answer: it reads whole journals for a reconciliation."""

SERVER_FAILS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Output(Console):
    """A console that ends the command where its text cannot go: in a line where a disk is full, silently at a pipe."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as a console does, and see that it is written."""
        with _seeing_it_written():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Let it be told: a console would end the command in silence."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


@contextmanager
def _seeing_it_written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # What is still to be written would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(NOT_READ) from None
        fail(f"what this command says cannot be written: {error.strerror}")


out = Output(width=None if has_width() else FILE_COLUMNS, markup=False, emoji=False)
"""For what was asked. Ids and texts come from the world: none is read as markup, so what has a style is a Text."""
err = Console(stderr=True, markup=False, emoji=False)
"""For how it goes, and for errors."""


def fail(message: str, *, code: int = MISUSED) -> NoReturn:
    """Say what is wrong and end the command."""
    complain(message)
    raise typer.Exit(code)


def complain(message: str) -> None:
    """Say what is wrong, in a line that only a terminal may break."""
    err.print(Text.assemble(("tekil:", "red"), " ", message), soft_wrap=not err.is_terminal)


def settings(*, usual_level: str = "INFO") -> Settings:
    """Return the settings, and send logs where they say, from the usual level where no variable names another.

    A wrong variable ends the command with its name.
    """
    try:
        found = Settings()
    except ValidationError as error:
        for line in complaints(error):
            complain(line)
        raise typer.Exit(MISUSED) from None
    level = found.log_level if "log_level" in found.model_fields_set else usual_level
    logs.configure(level=level, form=found.log_format)
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work on the fast event loop. Servers that do not answer are said in a line."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except SERVER_FAILS as error:
        fail(f"a server (TEKIL_POSTGRES, TEKIL_KAFKA) does not answer as it should: {_cause(error)}")


@contextmanager
def asking_postgres(url: str) -> Iterator[None]:
    """End the command where PostgreSQL at a base URL fails it, and say what to do about it."""
    try:
        yield
    except SERVER_FAILS as error:
        server = f"PostgreSQL at {server_of(url)} (TEKIL_POSTGRES)"
        match error:
            case asyncpg.InvalidCatalogNameError() | asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError():
                fail(f"{server} is not prepared, {error}: run `tekil migrate`")
            case asyncpg.InvalidAuthorizationSpecificationError():
                fail(f"{server} does not accept its user or password: {error}")
            case _:
                fail(f"{server} does not answer as it should: {_cause(error)}")


def _cause(error: Exception) -> str:
    """Return what an error says; that of a time-out says nothing."""
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def postgres_of(found: Settings) -> str:
    """Return the base URL of the PostgreSQL that is set, or end the command."""
    if found.postgres is None:
        fail("set TEKIL_POSTGRES: this command looks at services that run (`tekil up --embedded` prints what to set)")
    return found.postgres.get_secret_value()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, each of them whole, however long."""
    for line in lines:
        out.print(line, soft_wrap=True, highlight=False)


def write(text: str) -> None:
    """Write a text as it is, for programs."""
    with _seeing_it_written():
        sys.stdout.write(text)
        sys.stdout.flush()


def print_json(value: Any) -> None:
    """Print a value as JSON: indented for people, in one line for programs."""
    indent = 2 if sys.stdout.isatty() else None
    write(json.dumps(value, indent=indent, ensure_ascii=False, default=_in_json) + "\n")


def _in_json(value: object) -> str:
    """Return what JSON has no word for: a time as RFC 3339 has it, in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
