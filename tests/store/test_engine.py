"""What the engine promises, on a store in memory and on PostgreSQL alike."""

import asyncio
from datetime import timedelta

import pytest

from shared.engine.deciding import WAKES_MAX
from shared.engine.memory import MemoryStore
from shared.engine.postgres import LOOKED_AT_MAX, PostgresStore
from tests.store.bench import NOON, TRACE, Bench, adjusted, counted, described, received, record, tally_pool
from tests.store.tally import PATIENCE, TALLY


async def test_later_messages_of_a_batch_see_what_earlier_ones_changed(bench: Bench) -> None:
    await bench.take(described("A"), received("A", 2, "r1"), received("A", 3, "r2"))
    assert await bench.pieces("A") == 5
    assert await bench.totals() == [2, 5]


async def test_an_event_takes_effect_once_within_a_batch_and_across_batches(bench: Bench) -> None:
    twice = received("A", 2, "r1")
    await bench.take(described("A"), twice, twice)
    await bench.take(twice)
    assert (await bench.pieces("A"), await bench.arrivals(), await bench.totals()) == (2, 1, [2])


async def test_the_same_id_with_another_body_is_set_aside_once(bench: Bench) -> None:
    other = received("A", 9, "r1")
    await bench.take(described("A"), received("A", 2, "r1"), other)
    await bench.take(other)
    assert await bench.pieces("A") == 2
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "id-reused")]


async def test_an_early_message_waits_and_those_of_its_stream_wait_behind_it(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    await bench.take(received("A", 3, "r2"))
    assert (await bench.pieces("A"), await bench.totals()) == (None, [])
    await bench.take(described("A"), received("A", 4, "r3"))
    assert await bench.totals() == [2, 5, 9]
    await bench.take(received("A", 2, "r1"))
    assert await bench.pieces("A") == 9


async def test_a_message_that_needs_nothing_waits_behind_an_early_one_of_its_stream(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    await bench.take(adjusted("A", "a1"))
    assert (await bench.parked(), await bench.dead()) == (2, [])
    await bench.take(described("A"))
    assert (await bench.parked(), await bench.pieces("A")) == (0, 2)
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "decision-failed")]


async def test_a_message_that_waited_too_long_is_set_aside_or_decided_otherwise(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    await bench.take(counted("B", "c1"))
    await bench.after(timedelta(hours=23))
    assert await bench.dead() == []
    await bench.after(timedelta(hours=2))
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "waited-too-long")]
    assert await bench.totals() == [0]
    await bench.take(described("A"))
    assert await bench.pieces("A") is None


async def test_bad_records_are_set_aside_each_with_its_reason_and_the_good_ones_take_effect(bench: Bench) -> None:
    await bench.take(
        described("A"),
        received("A", 1, "good-1"),
        record("stock.received", "not-json", b"{"),
        record("stock.received", "bad-field", {"location_id": "S1", "sku": "A", "quantity": 0}),
        record("stock.vanished", "unknown", {}),
        received("A", 1, "null-header", ce_source=None),
        received("A", 1, "latin", ce_time=b"\xff\xfe"),
        received("A", 1, "old", ce_specversion=b"0.3"),
        received("A", 1, "good-2", foreign=None, other=b"\xff"),
    )
    assert await bench.pieces("A") == 2
    reasons = sorted(reason for _, reason in await bench.dead())
    assert reasons == sorted(
        ["not-json", "schema-violation", "unknown-type", "bad-header", "bad-header", "missing-attribute"]
    )


class ForgetfulStore(MemoryStore):
    """Never says which letters are to be tried again."""

    async def retrying(self, limit: int) -> list[str]:
        raise TimeoutError


async def test_what_a_tick_cannot_look_at_keeps_it_from_nothing_else() -> None:
    bench = Bench(ForgetfulStore(TALLY))
    await bench.take(counted("A", "c1"))
    with pytest.raises(TimeoutError):
        await bench.after(timedelta(hours=25))
    assert (await bench.parked(), await bench.totals()) == (0, [0])


async def test_patient_ones_that_wait_for_the_same_row_hide_nobody_who_has_waited_too_long(bench: Bench) -> None:
    places = [{"location_id": f"S{number}", "sku": "A", "quantity": 1} for number in range(2, WAKES_MAX + 100)]
    bench.clock.now = NOON + timedelta(hours=10)
    await bench.take(*(record("stock.received", str(data["location_id"]), data) for data in places))
    bench.clock.now = NOON
    await bench.take(counted("A", "c1"))
    await bench.after(timedelta(hours=25))
    assert (await bench.parked(), await bench.totals()) == (len(places), [0])


async def test_a_repetition_that_comes_behind_another_body_of_its_id_is_a_repetition(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    await bench.take(described("A"), delivery)
    await bench.take(received("A", 3, "r1"), delivery)
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "id-reused")]


async def test_a_decision_that_fails_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    await bench.take(described("A"), described("B"), adjusted("A", "a1"), received("B", 1, "r1"))
    assert await bench.pieces("B") == 1
    assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "decision-failed")]


async def test_a_deadline_fires_once_and_not_after_it_was_moved_or_cleared(bench: Bench) -> None:
    await bench.take(described("A"), described("B"), received("A", 2, "r1"), received("B", 3, "r2"))
    await bench.take(counted("B", "c1"))
    await bench.after(PATIENCE - timedelta(seconds=1))
    await bench.take(received("A", 1, "r3"))
    await bench.after(timedelta(seconds=2))
    assert await bench.totals() == [2, 3, 3]
    await bench.after(PATIENCE)
    await bench.after(PATIENCE)
    assert await bench.totals() == [2, 3, 3, 3]


async def test_deadlines_of_one_time_come_by_their_keys_whichever_was_set_first(bench: Bench) -> None:
    await bench.take(described("A"), described("B"), received("B", 2, "r1"))
    await bench.take(received("A", 1, "r2"))
    later = bench.clock.now + PATIENCE
    assert [each.key for each in await bench.store.due(later, 10)] == ["A", "B"]


async def test_ids_are_derived_and_the_trace_goes_on(bench: Bench) -> None:
    await bench.take(described("A"), received("A", 2, "r1"))
    (moved,) = await bench.outbox()
    headers = dict(moved.headers)
    derived = "01a19c20-87a0-8b52-8429-df16606f86d2"
    assert headers["ce_id"] == derived.encode()
    assert headers["ce_causationid"] == b"r1"
    assert headers["traceparent"] == TRACE.encode()
    assert (headers["ce_source"], headers["ce_type"], moved.key) == (b"/tekil/tally", b"stock.moved", b"S1|A")


async def test_what_only_the_database_refuses_is_set_aside_alone(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        await bench.take(described("A"), *(received("A", 1, f"r{n}") for n in range(20)), received("A", 5000, "poison"))
        await bench.take(described("B"), received("B", 1, "after"))
        assert (await bench.pieces("A"), await bench.pieces("B")) == (20, 1)
        assert await bench.dead() == [("tekil.operations.v1.tally.dlq", "refused-by-database")]


async def test_two_members_on_the_same_rows_lose_nothing(database: str) -> None:
    async with tally_pool(database) as pool:
        first, second = Bench(PostgresStore(TALLY, pool)), Bench(PostgresStore(TALLY, pool))
        await first.take(described("A"))
        mine = [[received("A", 1, f"m{batch}-{n}") for n in range(5)] for batch in range(20)]
        await asyncio.gather(*(first.take(*batch) for batch in mine), *(second.take(*batch) for batch in mine))
        assert (await first.pieces("A"), await first.arrivals()) == (100, 100)


async def test_a_message_parked_while_its_row_came_is_found_at_the_next_tick(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        await bench.take(received("A", 2, "r1"))
        await pool.execute("INSERT INTO items VALUES ('A', 'A', 1)")
        await bench.after(timedelta(seconds=1))
        assert await bench.pieces("A") == 2
        assert await pool.fetchval("SELECT count(*) FROM parked") == 0


async def test_where_very_many_wait_each_tick_looks_at_some_of_them(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        skus = [f"S{number}" for number in range(LOOKED_AT_MAX)]
        await bench.take(*(received(sku, 1, sku) for sku in skus))
        await bench.take(received("A", 2, "r1"))
        await pool.execute("INSERT INTO items VALUES ('S0', 'S0', 1), ('A', 'A', 1)")
        await bench.engine.tick()
        assert (await bench.pieces("S0"), await bench.pieces("A")) == (1, None)
        await bench.engine.tick()
        assert (await bench.pieces("A"), await bench.parked()) == (2, LOOKED_AT_MAX - 1)
        await pool.execute("INSERT INTO items VALUES ('S1', 'S1', 1)")
        await bench.engine.tick()
        assert (await bench.pieces("S1"), await bench.parked()) == (1, LOOKED_AT_MAX - 2)
