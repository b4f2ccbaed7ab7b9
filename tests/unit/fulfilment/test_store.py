"""The tables of fulfilment on PostgreSQL: what is kept, found again, and refused."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.fulfilment.domain.state import Fulfilment, Guesses, Line, Task
from services.fulfilment.service import fulfilment
from services.fulfilment.store import OpenTask, fulfilment_of, open_tasks_at
from shared.engine.postgres import PostgresStore
from shared.engine.store import Effects
from tests.unit.fulfilment.examples import PICK_BY, line, order, picking, waiting
from tests.unit.fulfilment.running import on_postgres

SERVICE = fulfilment(pickup_secret=b"a secret of the test")
LATER = PICK_BY + timedelta(hours=1)


@pytest.fixture
async def kept_in(database: str) -> AsyncIterator[PostgresStore]:
    async with on_postgres(SERVICE, database) as store:
        yield store


async def keep(store: PostgresStore, *orders: Fulfilment) -> None:
    effects = Effects(changed={Fulfilment: {each.order_id: each for each in orders}})
    async with store.begin() as transaction:
        await transaction.load(SERVICE.rows_of[Fulfilment], [each.order_id for each in orders])
        await transaction.save(effects)


async def test_an_order_is_found_as_it_was_kept(kept_in: PostgresStore) -> None:
    elsewhere = Task("kadikoy", (line("C", to_pick=1),), LATER)
    kept = order(
        waiting(line("A", picked=1, collected=2), guesses=(Guesses("/till/1", 3, LATER),), picked_at=LATER), elsewhere
    )
    await keep(kept_in, kept)
    assert await fulfilment_of(kept_in.pool, "order-1") == kept
    assert await fulfilment_of(kept_in.pool, "order-2") is None


async def test_a_store_sees_its_open_tasks_the_most_urgent_first(kept_in: PostgresStore) -> None:
    late = Task("galata", (line("A", to_pick=1),), LATER)
    soon = picking(line("A", to_pick=1))
    ready = waiting(line("A", picked=1))
    await keep(
        kept_in,
        Fulfilment("late", (late,)),
        Fulfilment("soon", (Task("kadikoy", (line("B", to_pick=1),), PICK_BY), soon)),
        Fulfilment("ready", (ready,)),
        Fulfilment("done", (waiting(line("A", collected=1)),)),
        Fulfilment("done-here", (waiting(line("A", expired=1)), Task("kadikoy", (line("B", to_pick=1),), PICK_BY))),
    )
    here = await open_tasks_at(kept_in.pool, "galata")
    assert here == (OpenTask("ready", ready), OpenTask("soon", soon), OpenTask("late", late))
    assert await open_tasks_at(kept_in.pool, "nowhere") == ()


BROKEN = {
    "every_piece_is_somewhere": "UPDATE fulfilment SET collected = collected + 1",
    "never_below_nothing": "UPDATE fulfilment SET picked = picked - 4, to_pick = to_pick + 4",
    "open_where_pieces_are": "UPDATE fulfilment SET open_at = '[]'",
    "asks_for_something": "UPDATE fulfilment SET quantity = 0, to_pick = 0, picked = 0, open_at = '[]'",
}


@pytest.mark.parametrize(("wall", "statement"), BROKEN.items(), ids=BROKEN)
async def test_the_database_refuses_what_cannot_be(kept_in: PostgresStore, wall: str, statement: str) -> None:
    await keep(kept_in, order(picking(line("A", to_pick=2, picked=1))))
    with pytest.raises(asyncpg.CheckViolationError, match=wall):
        await kept_in.pool.execute(statement)


def test_a_line_keeps_its_buckets_apart() -> None:
    assert Line("A", "sku-of-A", 6, 1, 1, 1, 1, 1, 1).moved(1, source="picked", target="expired") == Line(
        "A", "sku-of-A", 6, to_pick=1, picked=0, collected=1, short=1, cancelled=1, expired=2
    )
