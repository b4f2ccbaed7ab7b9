"""Real servers for the tests that need them, started on first use and shared by the whole run.

TEKIL_TEST_SERVERS says which: auto, external, containers, local or embedded.
"""

import logging
import secrets
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from shared.runtime import logs
from shared.runtime.postgres import create_databases
from shared.runtime.servers import ServersUnavailable, choose, kafka_server, postgres_server
from tests.logged import Lines

RUNNING_ON = pytest.StashKey[list[str]]()

# How long an example takes says how busy the machine is. The same examples in every run: a failure can be seen again.
settings.register_profile("tekil", deadline=None, derandomize=True)
settings.load_profile("tekil")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUNNING_ON] = []


def pytest_report_header() -> str:
    try:
        return f"servers: {choose()}, started when a test needs one"
    except ServersUnavailable as error:
        raise pytest.UsageError(str(error)) from error


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ran_on = config.stash[RUNNING_ON]
    if ran_on:
        terminalreporter.write_line(f"ran on: {', '.join(ran_on)}")


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[str]:
    """The bootstrap address of a Kafka; it may be shared, so name topics after `topic_prefix`."""
    with kafka_server(choose()) as server:
        pytestconfig.stash[RUNNING_ON].append(server.source)
        yield server.address


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[str]:
    """The base URL of a PostgreSQL, without a database; it may be shared, so use `database`."""
    with postgres_server(choose()) as server:
        pytestconfig.stash[RUNNING_ON].append(server.source)
        yield server.address


@pytest.fixture
async def database(postgres: str) -> str:
    """The URL of an empty database that no other test sees."""
    name = f"tekil_test_{secrets.token_hex(4)}"
    await create_databases(postgres, [name])
    return f"{postgres}/{name}"


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged from here on, as JSON; afterwards logs go where they went before."""
    handlers, level = logging.root.handlers, logging.root.level
    stream = Lines()
    logs.configure(level="INFO", form="json", stream=stream)
    yield stream
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and groups that no other test uses."""
    return f"test-{secrets.token_hex(4)}."
