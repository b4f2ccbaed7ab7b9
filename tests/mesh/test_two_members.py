"""Two members of every service, each event published twice, one member killed in mid-batch and one while it leads.

The books end as those of a quiet run of the same input on the simulation: to the minor unit, and to the id.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from services.attribution.domain.state import Entry
from services.mesh import Mesh
from services.order.domain.state import Order
from services.reconcile import reconcile
from services.registry import NAMES, all_services
from shared.engine.member import Limits
from shared.engine.relay import LEADER_LOCK
from shared.engine.rows import Rows
from shared.engine.simulation import ManualClock, Simulation
from shared.events.inventory import AvailabilityChanged
from shared.runtime.topics import load
from tests.mesh.load import KINDS, ORDERS, SALES, Phase, phases
from tests.mesh.place import NOON, SETTINGS, Place, eventually
from tests.mesh.processes import Process
from tests.mesh.world import BERLIN

SETTLE_S = 90.0
INSIDE_TOPICS = tuple(topic.name for topic in load().topics if topic.name.split(".")[1] in {*NAMES, "availability"})
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


def quiet_run() -> Simulation:
    """The same input on the simulation, each event once."""
    simulation = Simulation(all_services(SETTINGS), ManualClock(NOON), parked_max_age=Limits().parked_max_age)
    for phase in phases():
        for record in phase:
            simulation.publish(record)
        simulation.settle()
    return simulation


async def rows_of(place: Place, service: str, rows: Rows) -> Counter[Any]:
    """All rows of a table, as the values that decisions see."""
    codec = next(each for each in all_services(SETTINGS) if each.name == service).codecs[rows.kind]
    return Counter(map(codec.to_value, await place.fetch(service, f"SELECT * FROM {rows.name}")))  # noqa: S608


async def inbox_of(place: Place, service: str) -> dict[tuple[str, str], int]:
    found = await place.fetch(service, "SELECT source, id, digest FROM inbox")
    return {(row["source"], row["id"]): row["digest"] for row in found}


async def said_on(place: Place) -> dict[str, tuple[str, bytes]]:
    """Type and value of every event that the services published, by id; a repetition must say the same."""
    said: dict[str, tuple[str, bytes]] = {}
    for record in await place.published(*INSIDE_TOPICS):
        headers = dict(record.headers)
        event = headers["ce_type"].decode(), record.value
        assert said.setdefault(headers["ce_id"].decode(), event) == event
    return said


def said_in(simulation: Simulation) -> dict[str, tuple[str, bytes]]:
    return {
        (dict(record.headers)["ce_id"] or b"").decode(): (
            (dict(record.headers)["ce_type"] or b"").decode(),
            record.value or b"",
        )
        for record in simulation.published
    }


def in_any_order(said: dict[str, tuple[str, bytes]]) -> dict[str, tuple[str, bytes | None]]:
    """How much is available after each of several orders depends on which comes first; all else does not."""
    return {
        event_id: (kind, None if kind == AvailabilityChanged.TYPE else value)
        for event_id, (kind, value) in said.items()
    }


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

    quiet = quiet_run()
    for name, store in quiet.stores.items():
        for rows in store.service.rows:
            kept = store.journals[rows.kind] if rows.append_only else store.rows[rows.kind].values()
            assert await rows_of(place, name, rows) == Counter(kept), f"{name}: {rows.name}"
        assert await inbox_of(place, name) == store.inbox
        assert await place.value(name, "SELECT count(*) FROM parked") == 0
        assert await place.value(name, "SELECT count(*) FROM outbox") == 0
        assert await place.value(name, "SELECT count(*) FROM deadlines WHERE due_at <= $1", NOON) == 0
    assert in_any_order(await said_on(place)) == in_any_order(said_in(quiet))
    assert await place.published(*LETTER_TOPICS) == []
    see_that_every_kind_was_there(quiet)
    await see_zero_drift(place)


def see_that_every_kind_was_there(quiet: Simulation) -> None:
    """The load is what it says: orders that went another way would prove nothing."""
    assert (SALES, ORDERS, len(KINDS)) == (100, 200, 10)
    statuses = Counter(order.status for order in quiet.stores["order"].rows[Order].values())
    assert statuses == {"completed": 220, "cancelled": 40, "rejected": 40}
    # Two lines of each sale; of "from two stores" both lines, one in two parts; one line of the five other kinds.
    assert len(quiet.stores["attribution"].journals[Entry]) == 2 * 100 + 3 * 20 + 5 * 20


async def see_zero_drift(place: Place) -> None:
    connections = {name: await asyncpg.connect(url) for name, url in place.databases.items()}
    found = await reconcile(connections)
    assert (found.shown, found.is_zero_drift) == ([], True)
    for connection in connections.values():
        await connection.close()
