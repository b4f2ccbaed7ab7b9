"""Reconciliation compares what services keep in their databases, each with what another one says."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.reconcile import Difference, reconcile
from services.registry import all_services
from shared.engine.postgres import PostgresStore
from shared.engine.simulation import ManualClock, Simulation
from shared.engine.store import Effects
from shared.runtime.postgres import create_databases
from tests.mesh.place import NOON, SETTINGS
from tests.mesh.world import BERLIN, IZMIR, cancellation, reference, submitted
from tests.store.databases import create_tables

ASKED = ("order", "inventory", "attribution")
Databases = dict[str, Any]


@pytest.fixture
async def databases(database: str) -> AsyncIterator[Databases]:
    """An empty database for each service that is asked."""
    base, _, name = database.rpartition("/")
    pools = {}
    for service in all_services(SETTINGS):
        if service.name in ASKED:
            await create_databases(base, [f"{name}_{service.name}"])
            await create_tables(url := f"{base}/{name}_{service.name}", service.metadata)
            pools[service.name] = await asyncpg.create_pool(url, min_size=1, max_size=1)
    yield pools
    for pool in pools.values():
        await pool.close()


def two_orders() -> Simulation:
    """Two orders that are reserved: one of two lines, of which the store has the second only."""
    simulation = Simulation(all_services(SETTINGS), ManualClock(NOON), parked_max_age=timedelta(days=1))
    for record in reference():
        simulation.publish(record)
    simulation.publish(submitted("W-1", ("coat", 2, BERLIN)))
    simulation.publish(submitted("W-2", ("coat", 9_999, BERLIN), ("scarf", 3, IZMIR), when_short="reject_line"))
    simulation.settle()
    return simulation


async def keep(simulation: Simulation, databases: Databases, *names: str) -> None:
    """Write what simulated services know into their databases."""
    for name in names:
        kept = simulation.stores[name]
        effects = Effects(changed={kind: dict(rows) for kind, rows in kept.rows.items() if rows})
        effects.appended = {kind: list(values) for kind, values in kept.journals.items() if values}
        async with PostgresStore(kept.service, databases[name]).begin() as transaction:
            await transaction.save(effects)


async def test_what_orders_count_on_is_what_inventory_keeps(databases: Databases) -> None:
    await keep(two_orders(), databases, *ASKED)
    assert await databases["inventory"].fetchval("SELECT sum(reserved) FROM stock") == 5
    assert (await reconcile(databases)).shown == []


async def test_stock_that_is_kept_for_a_cancelled_order_is_a_difference(databases: Databases) -> None:
    simulation = two_orders()
    await keep(simulation, databases, "inventory", "attribution")
    simulation.publish(cancellation("W-1"))
    simulation.settle()
    await keep(simulation, databases, "order")
    assert (await reconcile(databases)).shown == [Difference("kept for orders", "W-1 line 1", "0", "2")]


async def test_an_order_that_counts_on_what_nobody_keeps_is_a_difference(databases: Databases) -> None:
    simulation = two_orders()
    await keep(simulation, databases, "order", "attribution")
    simulation.publish(cancellation("W-1"))
    simulation.settle()
    await keep(simulation, databases, "inventory")
    assert (await reconcile(databases)).shown == [Difference("kept for orders", "W-1 line 1", "2", "0")]
