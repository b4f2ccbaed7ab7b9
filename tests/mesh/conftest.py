"""Places for the mesh tests: on the shared servers, each with topics and databases of its own."""

from collections.abc import Iterator

import pytest

from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.apache_kafka_installation import KafkaMissing
from shared.runtime.postgres import EmbeddedPostgres
from tests.mesh.place import Place, tally_place, tekil_place


@pytest.fixture
async def place(kafka: str, postgres: str, topic_prefix: str) -> Place:
    """A place for the five services, with nothing in it and no member running."""
    return await tekil_place(kafka, postgres, topic_prefix)


@pytest.fixture
async def tally(kafka: str, database: str, topic_prefix: str) -> Place:
    """A place for the smallest service there is, with nothing in it and no member running."""
    return await tally_place(kafka, database, topic_prefix)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that the tests of a file may stop."""
    with EmbeddedPostgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[ApacheKafka]:
    """A Kafka that the tests of a file may stop."""
    try:
        with ApacheKafka() as kafka:
            yield kafka
    except KafkaMissing as missing:
        pytest.skip(str(missing))
