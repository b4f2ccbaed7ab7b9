"""Servers for the tests of the bench, never shared with others: a bench counts all that they use."""

from collections.abc import Iterator

import pytest

from tests.bench.ground import Ground, ground


@pytest.fixture(scope="session")
def servers() -> Iterator[Ground]:
    """A Kafka and a PostgreSQL."""
    with ground() as started:
        yield started
