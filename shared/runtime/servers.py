"""A Kafka and a PostgreSQL by one word: for the tests, the benches, and every command that brings its own."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.postgres import EmbeddedPostgres, server_of

Choice = Literal["external", "containers", "local", "embedded"]

CHOICE_VARIABLE = "TEKIL_TEST_SERVERS"
KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.1"
POSTGRES_IMAGE = "postgres:18-alpine"


class ServersUnavailable(RuntimeError):
    """The chosen servers cannot be had; the message names the variable to change."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: Kafka's bootstrap address or PostgreSQL's base URL, and what it is.

    The URL ends after the port, and holds a password.
    """

    address: str = field(repr=False)
    source: str


def choose(environment: Mapping[str, str] = os.environ) -> Choice:
    """The servers that TEKIL_TEST_SERVERS names, or for `auto` the nearest real ones.

    That is: external when both addresses are set, else containers when a Docker engine answers, else local. Never
    embedded by itself: its Kafka is no Kafka. Raises ServersUnavailable for any other word.
    """
    word = environment.get(CHOICE_VARIABLE) or "auto"
    if word in get_args(Choice):
        return cast(Choice, word)
    if word != "auto":
        raise ServersUnavailable(f"{CHOICE_VARIABLE} is {word!r}; it can be auto, {', '.join(get_args(Choice))}.")
    if environment.get("TEKIL_KAFKA") and environment.get("TEKIL_POSTGRES"):
        return "external"
    return "containers" if _docker_answers() else "local"


@contextmanager
def kafka_server(choice: Choice, environment: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """A Kafka for the length of a `with` block. Only the embedded one has topics from the start."""
    match choice:
        case "external":
            address = _external("TEKIL_KAFKA", environment)
            yield Server(address=address, source=f"Kafka at {address}")
        case "containers":
            with _kafka_container() as address:
                yield Server(address=address, source=f"container {KAFKA_IMAGE}")
        case "local":
            with ApacheKafka() as apache:
                yield Server(address=apache.bootstrap, source=apache.source)
        case "embedded":
            with EmbeddedKafka() as embedded:
                yield Server(address=embedded.bootstrap, source=embedded.source)


@contextmanager
def postgres_server(choice: Choice, environment: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """A PostgreSQL for the length of a `with` block."""
    match choice:
        case "external":
            address = _external("TEKIL_POSTGRES", environment)
            yield Server(address=address, source=f"PostgreSQL at {server_of(address)}")
        case "containers":
            with _postgres_container() as address:
                yield Server(address=address, source=f"container {POSTGRES_IMAGE}")
        case "local" | "embedded":
            with EmbeddedPostgres() as postgres:
                yield Server(address=postgres.url, source=f"PostgreSQL from {postgres.source}")


def _external(variable: str, environment: Mapping[str, str]) -> str:
    if not environment.get(variable):
        raise ServersUnavailable(f"{CHOICE_VARIABLE}=external needs {variable} set too.")
    return environment[variable]


@contextmanager
def _kafka_container() -> Iterator[str]:
    # A development extra, and slow to import: only where it is used.
    from testcontainers.community.kafka import KafkaContainer

    container = (
        KafkaContainer(KAFKA_IMAGE)
        .with_kraft()
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
    )
    with container:
        yield container.get_bootstrap_server()


@contextmanager
def _postgres_container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    password = secrets.token_urlsafe(18)
    container = PostgresContainer(POSTGRES_IMAGE, username="tekil", password=password, dbname="tekil", driver=None)
    with container.with_command("postgres -c max_connections=200"):
        yield container.get_connection_url().removesuffix("/tekil")


def _docker_answers() -> bool:
    try:
        from docker.errors import DockerException
        from testcontainers.core.docker_client import DockerClient
    except ImportError:
        return False
    try:
        return bool(DockerClient().client.ping())
    except DockerException:
        return False
