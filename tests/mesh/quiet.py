"""What a quiet run of the load leaves behind, against which one is held that went through a lot."""

from collections import Counter
from typing import Any

import asyncpg

from services.attribution.domain.state import Entry
from services.order.domain.state import Order
from services.reconcile import reconcile
from services.registry import NAMES, all_services
from shared.engine.member import Limits
from shared.engine.rows import Rows
from shared.engine.simulation import ManualClock, Simulation
from shared.events.inventory import AvailabilityChanged
from shared.runtime.topics import load
from tests.mesh.load import KINDS, ORDERS, SALES, phases
from tests.mesh.place import NOON, SETTINGS, Place

INSIDE_TOPICS = tuple(topic.name for topic in load().topics if topic.name.split(".")[1] in {*NAMES, "availability"})


async def see_what_a_quiet_run_leaves(place: Place) -> None:
    """Rows, inbox and events are those of the same input on the simulation: to the minor unit, and to the id."""
    quiet = quiet_run()
    for name, store in quiet.stores.items():
        for rows in store.service.rows:
            kept = store.journals[rows.kind] if rows.append_only else store.rows[rows.kind].values()
            assert await rows_of(place, name, rows) == Counter(kept), f"{name}: {rows.name}"
        assert await inbox_of(place, name) == store.inbox
    assert in_any_order(await said_on(place)) == in_any_order(said_in(quiet))
    see_that_every_kind_was_there(quiet)
    await see_zero_drift(place)


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
