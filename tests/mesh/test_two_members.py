"""Two members of every service, each event published twice, one member killed in mid-batch and one while it leads.

The books end as those of a quiet run of the same input on the simulation: to the minor unit, and to the id.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from services.mesh import Mesh
from services.registry import NAMES
from shared.engine.relay import LEADER_LOCK
from shared.runtime.topics import load
from tests.mesh.load import Phase, phases
from tests.mesh.place import NOON, Place, eventually
from tests.mesh.processes import Process
from tests.mesh.quiet import see_what_a_quiet_run_leaves
from tests.mesh.world import BERLIN

SETTLE_S = 90.0
LETTER_TOPICS = tuple(topic.name for topic in load().all_topics() if topic.name.endswith(".dlq"))
_LEADER = """
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = $1 AND granted AND datname = current_database()
"""
_STUCK = "SELECT application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


class Crew:
    """Processes that each run a member of every service; who dies is replaced."""

    def __init__(self, place: Place, log: Path) -> None:
        self._place, self._log = place, log
        self._running: dict[str, Process] = {}

    def hire(self, name: str) -> Process:
        self._running[name] = Process(self._place, NAMES, name=name, log=self._log)
        return self._running[name]

    def replace(self, name: str) -> None:
        """Kill a process and start another, which joins when the groups have noticed."""
        self._running.pop(name).kill()
        self.hire(f"{name}-{secrets.token_hex(2)}")

    def kill_all(self) -> None:
        for process in self._running.values():
            process.kill()


@asynccontextmanager
async def crew(place: Place, log: Path) -> AsyncIterator[Crew]:
    hired = Crew(place, log)
    try:
        await asyncio.gather(*(hired.hire(name).ready() for name in ("first", "second")))
        yield hired
    finally:
        hired.kill_all()


async def publish_twice(place: Place, phase: Phase) -> None:
    await asyncio.gather(place.publish(*phase), place.publish(*phase))


async def kill_in_mid_batch(place: Place, members: Crew) -> None:
    """Kill the member whose batch waits for a row that we lock: it has claimed its messages and decided nothing."""
    connection = await asyncpg.connect(place.databases["inventory"])
    async with connection.transaction():
        await connection.execute("SELECT FROM stock WHERE location_id = $1 FOR UPDATE", BERLIN)
        await eventually(lambda: _anybody(place, "inventory", _STUCK))
        members.replace(await place.value("inventory", f"{_STUCK} LIMIT 1"))
    await connection.close()


async def kill_the_leader(place: Place, members: Crew) -> None:
    await eventually(lambda: _anybody(place, "order", _LEADER, LEADER_LOCK))
    members.replace(await place.value("order", _LEADER, LEADER_LOCK))


async def _anybody(place: Place, service: str, query: str, *arguments: object) -> bool:
    return bool(await place.fetch(service, query, *arguments))


async def test_the_books_are_those_of_a_quiet_run(place: Place, tmp_path: Path) -> None:
    described, placed, worked, handed, late = phases()
    watch = Mesh(place.settings, bootstrap=place.bootstrap, postgres=place.postgres, members=0)
    await watch.start()
    async with crew(place, tmp_path) as members:
        await publish_twice(place, described)
        await watch.settle(SETTLE_S)
        await asyncio.gather(publish_twice(place, placed), kill_in_mid_batch(place, members))
        await publish_twice(place, placed)
        await kill_the_leader(place, members)
        await watch.settle(SETTLE_S)
        for phase in (worked, handed, late):
            await publish_twice(place, phase)
            await watch.settle(SETTLE_S)
    await watch.stop()

    await see_what_a_quiet_run_leaves(place)
    for name in NAMES:
        assert await place.value(name, "SELECT count(*) FROM parked") == 0
        assert await place.value(name, "SELECT count(*) FROM outbox") == 0
        assert await place.value(name, "SELECT count(*) FROM deadlines WHERE due_at <= $1", NOON) == 0
    assert await place.published(*LETTER_TOPICS) == []
