"""What `tekil up` prints: how to reach servers that end with it, and of those that were set no password."""

import io

import pytest
from rich.console import Console

from services.commands import console
from services.commands.serving import tell
from services.running import Addresses, Up

EXPORT = "  export TEKIL_POSTGRES=postgresql://tekil:hunter2@db:5432"
KAFKA = "  Kafka for your own publishers: broker:9092"
FROM_ANOTHER_TERMINAL = "To look at it from another terminal:"


@pytest.mark.parametrize(
    ("embedded_kafka", "embedded_postgres", "told"),
    [
        (True, True, [FROM_ANOTHER_TERMINAL, EXPORT, KAFKA]),
        (True, False, [FROM_ANOTHER_TERMINAL, KAFKA]),
        (False, True, [FROM_ANOTHER_TERMINAL, EXPORT]),
        (False, False, []),
    ],
)
def test_only_what_nobody_set_is_told(
    embedded_kafka: bool, embedded_postgres: bool, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=file, width=160, markup=False, emoji=False))
    addresses = Addresses(
        bootstrap="broker:9092",
        postgres="postgresql://tekil:hunter2@db:5432",
        running_on="Kafka in memory; PostgreSQL from db",
        embedded_kafka=embedded_kafka,
        embedded_postgres=embedded_postgres,
    )

    tell(Up(urls={"order": "http://127.0.0.1:8080"}, addresses=addresses))

    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "Tekil is up on Kafka in memory; PostgreSQL from db",
        "order  http://127.0.0.1:8080/docs",
        *told,
    ]
