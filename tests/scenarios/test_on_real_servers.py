"""The same scenarios on Kafka and PostgreSQL: the same events, with the same ids, in the same order."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.mesh import Mesh, running
from services.running import migrate_all
from services.scenario import Real
from shared.engine.member import Member
from shared.engine.simulation import EPOCH, ManualClock
from shared.runtime import topics
from tests.scenarios.playing import NAMES, caused_by, difference, expected, scenario
from tests.scenarios.simulated import SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Stage:
    """All services on real servers, started once for all scenarios."""

    def __init__(self, mesh: Mesh, clock: ManualClock) -> None:
        self.clock, self.machine = clock, Real(mesh)
        self._members = mesh.members

    async def clear(self) -> None:
        """Let every service forget everything, and time begin again: nothing that happened is still to come."""
        await asyncio.gather(*map(_forget, self._members))
        self.clock.now = EPOCH


async def _forget(member: Member) -> None:
    # Journals refuse to be emptied: their walls are let down for it, in one transaction. It asks for its strongest lock
    # first: the relay reads the outbox and deletes from it in one statement, and would be met halfway.
    tables = list(member.service.metadata.tables)
    down, up = ("; ".join(f"ALTER TABLE {each} {do} TRIGGER USER" for each in tables) for do in ("DISABLE", "ENABLE"))
    every = ", ".join(tables)
    await member.pool.execute(f"LOCK TABLE {every}; {down}; TRUNCATE {every}; {up}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(kafka: str, postgres: str) -> AsyncIterator[Stage]:
    ours = secrets.token_hex(4)
    names = {"topic_prefix": f"test-{ours}.", "postgres_prefix": f"test_{ours}_"}
    settings = SETTINGS.model_copy(update={**names, "batch_interval_ms": 0})
    topics.apply(kafka, prefix=settings.topic_prefix)
    await migrate_all(settings, postgres)
    clock = ManualClock()
    async with running(Mesh(settings, bootstrap=kafka, postgres=postgres, clock=clock)) as mesh:
        stage = Stage(mesh, clock)
        await stage.machine.begin()
        try:
            yield stage
        finally:
            await stage.machine.end()


@pytest.mark.parametrize("name", NAMES)
async def test_it_publishes_what_the_simulation_does(name: str, stage: Stage) -> None:
    await stage.clear()
    published = await caused_by(scenario(name), stage.machine, stage.clock)
    if differs := difference(expected(name), published):
        pytest.fail(differs, pytrace=False)
