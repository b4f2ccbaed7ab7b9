"""What a command says is what it was told: no id is read as markup, and no error is broken into lines."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner, Result

from services.cli import app
from services.commands import console
from shared.runtime import topics

SERVER = "postgresql://tekil:hunter2@db:5432"
SAID = "tekil: PostgreSQL at db:5432 (TEKIL_POSTGRES)"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sends all logs to its own standard error, which ends with it."""
    before = logging.root.handlers
    yield
    logging.root.handlers = before


def typed(*words: str, **variables: str) -> Result:
    return CliRunner().invoke(app, words, env={"TEKIL_KAFKA": None, "TEKIL_POSTGRES": None, **variables})


@contextmanager
def ended(status: int) -> Iterator[None]:
    with pytest.raises(typer.Exit) as end:
        yield
    assert end.value.exit_code == status


@pytest.mark.parametrize("order_id", ["[/red]", "[b]", "a[link=x]b", "WEB:a:1"])
def test_an_id_is_said_as_it_was_typed(order_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ended(console.FAILED):
        console.fail(f"no order {order_id} is known", code=console.FAILED)
    console.out.print(order_id)

    said = capsys.readouterr()
    assert (said.err, said.out) == (f"tekil: no order {order_id} is known\n", f"{order_id}\n")


def test_an_error_is_one_line_where_no_terminal_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    long = " ".join(["a sentence that goes on"] * 20)

    with ended(console.MISUSED):
        console.fail(long)

    assert capsys.readouterr().err == f"tekil: {long}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.InterfaceError("connection is closed"), "does not answer as it should: connection is closed"),
        (TimeoutError(), "does not answer as it should: no answer in time"),
        (ConnectionResetError(), "does not answer as it should: ConnectionResetError"),
        (asyncpg.InvalidCatalogNameError("no tekil_order"), "is not prepared, no tekil_order: run `tekil migrate`"),
        (asyncpg.InvalidPasswordError("try again"), "does not accept its user or password: try again"),
    ],
)
def test_what_postgres_does_wrong_is_told_with_its_name(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ended(console.MISUSED), console.asking_postgres(SERVER):
        raise error

    assert capsys.readouterr().err == f"{SAID} {said}\n"


def test_a_server_that_closes_a_connection_ends_a_command_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    async def lose() -> None:
        raise asyncpg.InterfaceError("connection was closed in the middle of operation")

    with ended(console.MISUSED):
        console.run(lose())

    assert capsys.readouterr().err == (
        "tekil: a server (TEKIL_POSTGRES, TEKIL_KAFKA) does not answer as it should: "
        "connection was closed in the middle of operation\n"
    )


async def test_a_postgres_that_hangs_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "CONNECT_TIMEOUT_S", 0.1)
    hanging = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with hanging:
        address = f"127.0.0.1:{hanging.sockets[0].getsockname()[1]}"
        ran = await asyncio.to_thread(typed, "order", "show", "WEB-1", TEKIL_POSTGRES=f"postgresql://{address}")
        assert ran.exit_code == console.MISUSED
        assert ran.stderr == (
            f"tekil: PostgreSQL at {address} (TEKIL_POSTGRES) does not answer as it should: no answer in time\n"
        )


@pytest.mark.parametrize("words", [("settings",), ("settings", "--json")])
def test_a_full_disk_is_one_line(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (ran.returncode, ran.stderr) == (
        console.MISUSED, "tekil: what this command says cannot be written: No space left on device\n",
    )  # fmt: skip


@pytest.mark.parametrize("words", [("settings",), ("settings", "--json")])
def test_a_reader_that_has_left_is_no_error_to_speak_of(words: tuple[str, ...]) -> None:
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli", *words],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (ran.returncode, ran.stderr) == (console.NOT_READ, "")


def test_times_are_told_to_programs_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=3)))

    console.print_json({"at": noon, "in": [noon.replace(microsecond=500_000)]})

    assert capsys.readouterr().out == '{"at": "2026-11-22T09:00:00Z", "in": ["2026-11-22T09:00:00.500000Z"]}\n'


def test_topics_without_kafka_are_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shared.runtime.topics.ADMIN_TIMEOUT_S", 0.5)

    ran = typed("topics", "apply", TEKIL_KAFKA="127.0.0.1:1")

    assert ran.exit_code == console.MISUSED
    assert ran.stderr == (
        "tekil: Kafka at 127.0.0.1:1 (TEKIL_KAFKA) does not answer as it should: "
        "Failed to get metadata: Local: Broker transport failure\n"
    )
    assert capfd.readouterr().err == ""


def test_a_kafka_that_falls_silent_after_its_topics_were_listed_is_an_error_of_kafka(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topics, "ADMIN_TIMEOUT_S", 0.5)
    silent = AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": topics.NO_LOG})

    with pytest.raises(KafkaException, match="imed out"):
        topics._setting_differences(silent, {each.name: each for each in topics.load().topics})


@pytest.mark.parametrize("options", [("-O",), ("-OO",)])
def test_nothing_starts_where_nothing_that_is_asserted_is_checked(options: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, *options, "-m", "services.cli", "settings"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (
        console.MISUSED,
        "",
        "tekil: Python runs with -O (PYTHONOPTIMIZE), which leaves out what Tekil asserts: start it without\n",
    )
