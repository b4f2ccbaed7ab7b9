"""How PostgreSQL carries out what members and their relay ask: by index, whatever it knows of how full a table is."""

from shared.engine.postgres import READ_BY_INDEX
from tests.mesh.place import Place, eventually, running
from tests.mesh.records import described
from tests.mesh.test_outages import fall_due, numbered, published
from tests.store.tally import TALLY

_READ_THROUGH = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'outbox'"
"""How often it was read through; a session tells it when it ends."""
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def read_through(place: Place) -> int:
    await eventually(lambda: place.value(TALLY.name, _SESSIONS), 0)
    times: int = await place.value(TALLY.name, _READ_THROUGH)
    return times


async def test_the_outbox_is_not_read_through_even_if_it_was_empty_when_postgresql_counted_it(tally: Place) -> None:
    async with running(tally.member(TALLY)):
        await tally.publish(described("A"), *numbered(0, 100))
        await eventually(lambda: published(tally), 100)
        await fall_due(tally)
    await tally.fetch(TALLY.name, "VACUUM ANALYZE")
    before = await read_through(tally)
    async with running(tally.member(TALLY)):
        await tally.publish(*numbered(100, 200))
        await eventually(lambda: published(tally), 201)
    assert await read_through(tally) == before


async def test_members_decide_in_sessions_that_plan_by_index(tally: Place) -> None:
    member = tally.member(TALLY)
    async with running(member):
        found = {name: await member.pool.fetchval("SELECT current_setting($1)", name) for name in READ_BY_INDEX}
    assert found == READ_BY_INDEX
