"""Commands that run Tekil: up, run, migrate, topics apply."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from rich.table import Table
from rich.text import Text

from services.commands import console
from services.commands.asking import Json
from services.registry import NAMES
from services.running import NotPrepared, Up, migrate_all, run_all, run_service
from shared.engine.migrating import DatabaseTooNew, Revisions
from shared.runtime import topics
from shared.runtime.http_server import PortTaken


class Name(StrEnum):
    """A service."""

    ORDER = "order"
    INVENTORY = "inventory"
    FULFILMENT = "fulfilment"
    RETURNS = "returns"
    ATTRIBUTION = "attribution"


assert tuple(Name) == NAMES, "the command knows every service"
CANNOT_SERVE = (NotPrepared, DatabaseTooNew, PortTaken, KafkaError, KafkaException)


def up(
    embedded: Annotated[bool, typer.Option("--embedded", help="On servers that end with this command.")] = False,
) -> None:
    """Run all five services in one process, until Ctrl-C.

    On TEKIL_KAFKA and TEKIL_POSTGRES, embedded where they are not set. Example: tekil up --embedded
    """
    found = console.settings()
    try:
        console.run(run_all(found, tell, embedded=embedded))
    except CANNOT_SERVE as error:
        console.fail(_said(error))


def run(service: Annotated[Name, typer.Argument(help="Which one.")]) -> None:
    """Run one service in this process, until SIGTERM: one of as many members as you start.

    Example: tekil run inventory
    """
    found = console.settings()
    try:
        console.run(run_service(service.value, found, tell))
    except CANNOT_SERVE as error:
        console.fail(_said(error))


def _said(error: Exception) -> str:
    """Return an error in words; librdkafka's are inside of one."""
    return error.args[0].str() if isinstance(error, KafkaException) else str(error)


def tell(up: Up) -> None:
    """Print where the services are, and how to reach the servers that nobody else knows of."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, url in up.urls.items():
        table.add_row(name, f"{url}/docs")
    console.out.print(f"Tekil is up on {up.addresses.running_on}", highlight=False)
    console.out.print(table)
    # Where somebody set an address, they know it; and a password of theirs is not for the screen.
    own = []
    if up.addresses.embedded_postgres:
        own.append(f"  export TEKIL_POSTGRES={up.addresses.postgres}")
    if up.addresses.embedded_kafka:
        own.append(f"  Kafka for your own publishers: {up.addresses.bootstrap}")
    if own:
        console.print_lines(["To look at it from another terminal:", *own])


def migrate(json: Json = False) -> None:
    """Create and migrate the five databases. Safe to repeat, and to run from several places at once.

    Example: TEKIL_POSTGRES=postgresql://tekil:secret@127.0.0.1:5432 tekil migrate
    """
    found = console.settings()
    base = console.postgres_of(found)

    async def prepare() -> Mapping[str, Revisions]:
        with console.asking_postgres(base):
            return await migrate_all(found, base)

    try:
        applied = console.run(prepare())
    except DatabaseTooNew as error:
        console.fail(str(error))
    if json:
        console.print_json(applied)
        return
    for name, revisions in applied.items():
        console.out.print(f"{name}: {', '.join(revisions) or 'up to date'}")


def apply_topics(json: Json = False) -> None:
    """Create the topics that Kafka lacks, as deploy/kafka/topics.yaml declares them; exits 1 where one differs.

    What exists is compared and never changed. Example: TEKIL_KAFKA=127.0.0.1:9092 tekil topics apply
    """
    found = console.settings()
    if found.kafka is None:
        console.fail("set TEKIL_KAFKA: embedded Kafka has its topics from the start")
    try:
        applied = topics.apply(found.kafka, prefix=found.topic_prefix)
    except KafkaException as error:
        console.fail(f"Kafka at {found.kafka} (TEKIL_KAFKA) does not answer as it should: {_said(error)}")
    if json:
        differences = [str(difference) for difference in applied.differences]
        console.print_json({"created": applied.created, "existing": applied.existing, "differences": differences})
    else:
        for name in applied.created:
            console.out.print(f"created {name}")
        console.out.print(f"{len(applied.created)} created, {len(applied.existing)} there already")
        for difference in applied.differences:
            console.err.print(Text(str(difference), "yellow"))
    if applied.differences:
        raise typer.Exit(console.FAILED)
