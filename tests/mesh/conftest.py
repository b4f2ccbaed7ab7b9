"""Places for the mesh tests: on the shared servers, each with topics and databases of its own."""

import pytest

from tests.mesh.place import Place, tally_place, tekil_place


@pytest.fixture
async def place(kafka: str, postgres: str, topic_prefix: str) -> Place:
    """A place for the five services, with nothing in it and no member running."""
    return await tekil_place(kafka, postgres, topic_prefix)


@pytest.fixture
async def tally(kafka: str, database: str, topic_prefix: str) -> Place:
    """A place for the smallest service there is, with nothing in it and no member running."""
    return await tally_place(kafka, database, topic_prefix)
