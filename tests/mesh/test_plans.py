"""How PostgreSQL carries out what a member asks: by indexes, whatever it knows of how full a table is."""

from tests.mesh.place import Place, eventually, running
from tests.mesh.records import described
from tests.mesh.test_outages import fall_due, numbered, published
from tests.store.tally import TALLY

_READ_THROUGH = """
    SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('inbox', 'outbox', 'parked', 'dead_letters')
    ORDER BY relname
"""
"""How often each of the engine's tables was read through; a session tells it when it ends."""


async def test_no_table_is_read_through_even_if_it_was_empty_when_postgresql_counted_it(tally: Place) -> None:
    async with running(tally.member(TALLY)):
        await tally.publish(described("A"), *numbered(0, 100))
        await eventually(lambda: published(tally), 100)
        await fall_due(tally)
    await tally.fetch(TALLY.name, "VACUUM ANALYZE")
    before = await tally.fetch(TALLY.name, _READ_THROUGH)
    async with running(tally.member(TALLY)):
        await tally.publish(*numbered(100, 200))
        await eventually(lambda: published(tally), 201)
    assert await tally.fetch(TALLY.name, _READ_THROUGH) == before
