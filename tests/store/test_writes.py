"""What two transactions make of each other where no lock keeps them apart."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from shared.engine.message import Outgoing
from shared.engine.postgres import COPIED_MIN, PostgresStore, PostgresTransaction
from shared.engine.rows import Key
from shared.engine.store import Conflict, DeadlineSet, Effects
from shared.kernel.value import Value
from tests.store.bench import NOON, stuck, tally_pool
from tests.store.tally import TALLY, Arrival, Item, Tally

AUDIT = DeadlineSet("audit", "A", NOON, "m1", "")
AUDIT_ANEW = DeadlineSet("audit", "A", NOON, "m2", "")
GONE = Effects(deadlines={("audit", "A"): None})


def effects(*rows: Value, event: bytes) -> Effects:
    """Rows, a deadline and an event: what one statement saves."""
    changed: dict[type, dict[Key, Value]] = {type(row): {"A": row} for row in rows}
    outgoing = [Outgoing("topic", b"A", event, ())]
    return Effects(changed=changed, deadlines={("audit", "A"): AUDIT}, outgoing=outgoing)


async def published(pool: asyncpg.Pool) -> Sequence[bytes]:
    return [row["value"] for row in await pool.fetch("SELECT value FROM outbox ORDER BY id")]


async def overtake(store: PostgresStore, late: Effects, early: Effects) -> None:
    """Begin with `late`, save `early` meanwhile, and then save `late`."""
    async with store.begin() as transaction:
        async with store.begin() as other:
            await other.save(early)
        await transaction.save(late)


async def wait_for(store: PostgresStore, late: Effects, early: Effects) -> None:
    """Save `early`, and `late` while `early` is not yet committed."""
    async with store.begin() as transaction:
        async with store.begin() as other:
            await other.save(early)
            saving = asyncio.create_task(transaction.save(late))
            await stuck(store.pool, 1)
        await saving


@pytest.mark.parametrize("kind", [Item, Tally])
async def test_of_two_that_create_a_row_one_is_told_so_and_has_written_nothing(database: str, kind: type) -> None:
    rows: dict[type, Value] = {Item: Item("A", "an item"), Tally: Tally("A", 1)}
    async with tally_pool(database) as pool:
        late, early = effects(*rows.values(), event=b"late"), effects(rows[kind], event=b"early")
        with pytest.raises(Conflict, match=TALLY.rows_of[kind].name):
            await overtake(PostgresStore(TALLY, pool), late, early)
        assert await published(pool) == [b"early"]


async def test_who_waited_for_another_that_creates_the_row_is_told_so_too(database: str) -> None:
    async with tally_pool(database) as pool:
        late, early = effects(Tally("A", 2), event=b"late"), effects(Tally("A", 1), event=b"early")
        with pytest.raises(Conflict, match="tallies"):
            await wait_for(PostgresStore(TALLY, pool), late, early)
        assert await published(pool) == [b"early"]


@pytest.mark.parametrize("arrivals", [1, COPIED_MIN])
async def test_what_a_batch_changes_is_saved_by_one_statement_and_many_new_rows_are_copied(
    database: str, arrivals: int
) -> None:
    saved = effects(Item("A", "an item"), Tally("A", 1), event=b"said")
    saved.appended = {Arrival: [Arrival(f"a{number}", "A", 1) for number in range(arrivals)]}
    tables = ("items", "tallies", "deadlines", "arrivals", "outbox")
    asked: list[str] = []
    async with tally_pool(database) as pool, pool.acquire() as connection, connection.transaction():
        connection.add_query_logger(lambda logged: asked.append(logged.query))
        await PostgresTransaction(PostgresStore(TALLY, pool), connection).save(saved)
        written = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]  # noqa: S608 - ours
        assert written == [1, 1, 1, arrivals, 1]
        [statement] = [query for query in asked if "INSERT" in query]
        inserted = [table for table in tables if f"INSERT INTO {table} " in statement]
        assert inserted == ["items", "tallies", "deadlines", *(["arrivals", "outbox"] if arrivals == 1 else [])]


async def test_a_deadline_that_another_sets_anew_meanwhile_is_not_deleted(database: str) -> None:
    async with tally_pool(database) as pool:
        store = PostgresStore(TALLY, pool)
        async with store.begin() as transaction:
            await transaction.save(Effects(deadlines={("audit", "A"): AUDIT}))
        await wait_for(store, GONE, Effects(deadlines={("audit", "A"): AUDIT_ANEW}))
        assert await store.due(NOON, 10) == [AUDIT_ANEW]
        async with store.begin() as transaction:
            await transaction.save(GONE)
        assert await store.due(NOON, 10) == []


async def test_of_two_leaders_one_takes_a_deadline(database: str) -> None:
    async with tally_pool(database) as pool:
        store = PostgresStore(TALLY, pool)
        async with store.begin() as transaction:
            await transaction.save(Effects(deadlines={("audit", "A"): AUDIT}))
        async with store.begin() as second:
            async with store.begin() as first:
                assert await first.take([AUDIT]) == {("audit", "A")}
                taking = asyncio.create_task(second.take([AUDIT]))
                await stuck(pool, 1)
            assert await taking == set()
