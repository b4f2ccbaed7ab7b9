"""What was set aside can be tried again exactly once, on a store in memory and on PostgreSQL alike."""

import asyncio
from datetime import timedelta

import pytest

from shared.engine import letterbox
from shared.engine.letterbox import Wanted
from shared.engine.letters import letter_id
from shared.engine.message import VALUE_BYTES_MAX, Message
from shared.engine.packing import unpack
from shared.engine.postgres import PostgresStore
from tests.store.bench import NOON, Bench, counted, described, received, record, stuck, tally_pool
from tests.store.releases import BRINGING, BRINGING_CLOSED, BUGGY, CLOSED, DEAF, LOOKING_BUGGY, STRICT
from tests.store.tally import TALLY, WALL


async def test_after_the_repair_a_letter_counts_once_whatever_comes_again(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(BUGGY)
    await bench.take(described("A"), delivery)
    assert await bench.letters() == [("decision-failed", "open", 1, None)]
    bench.upgrade(TALLY)
    await bench.take(delivery)
    assert await bench.pieces("A") is None
    await bench.retry(delivery)
    await bench.retry(delivery)
    await bench.take(delivery)
    assert (await bench.pieces("A"), await bench.arrivals(), await bench.totals()) == (2, 1, [2])
    assert await bench.letters() == [("decision-failed", "closed", 1, "decided")]


async def test_what_nobody_wants_tried_again_stays_where_it_is(bench: Bench) -> None:
    bench.upgrade(BUGGY)
    await bench.take(described("A"), received("A", 2, "r1"))
    bench.upgrade(TALLY)
    await bench.after(timedelta(days=100))
    assert (await bench.pieces("A"), await bench.letters()) == (None, [("decision-failed", "open", 1, None)])


async def test_a_letter_that_fails_again_is_the_same_letter_with_its_new_reason(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(BUGGY)
    await bench.take(described("A"), delivery)
    bench.upgrade(CLOSED)
    bench.clock.move_to(NOON + timedelta(hours=1))
    await bench.retry(delivery)
    assert await bench.letters() == [("dock-is-closed", "open", 2, None)]
    first, second = ({**dict(each.headers)} for each in await bench.outbox())
    assert first["tekil_dlq_id"] == second["tekil_dlq_id"]
    assert first["tekil_dlq_first_failed_at"] == second["tekil_dlq_first_failed_at"]
    bench.upgrade(TALLY)
    await bench.retry(delivery)
    assert (await bench.pieces("A"), await bench.letters()) == (2, [("dock-is-closed", "closed", 2, "decided")])


async def test_a_crash_while_a_letter_is_decided_leaves_it_to_be_tried_again(bench: Bench) -> None:
    def crash(cause: Message, kind: str) -> str:
        raise ConnectionResetError

    delivery = received("A", 2, "r1")
    bench.upgrade(BUGGY)
    await bench.take(described("A"), delivery)
    bench.upgrade(TALLY, trace=crash)
    with pytest.raises(ConnectionResetError):
        await bench.retry(delivery)
    assert (await bench.pieces("A"), await bench.letters()) == (None, [("decision-failed", "retrying", 1, None)])
    bench.upgrade(TALLY)
    await bench.engine.tick()
    assert (await bench.arrivals(), await bench.letters()) == (1, [("decision-failed", "closed", 1, "decided")])


async def test_what_could_not_be_read_counts_once_when_it_came_again_meanwhile(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(STRICT)
    await bench.take(described("A"), delivery)
    bench.upgrade(TALLY)
    await bench.take(delivery)
    await bench.retry(delivery)
    assert (await bench.arrivals(), await bench.letters()) == (1, [("schema-violation", "closed", 1, "repeated")])


async def test_what_could_not_be_read_takes_its_id_when_it_is_retried(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(STRICT)
    await bench.take(described("A"), delivery)
    bench.upgrade(TALLY)
    await bench.retry(delivery)
    await bench.take(delivery)
    assert (await bench.arrivals(), await bench.letters()) == (1, [("schema-violation", "closed", 1, "decided")])


async def test_a_letter_whose_id_somebody_else_has_taken_meanwhile_stays_a_letter(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(STRICT)
    await bench.take(described("A"), delivery)
    bench.upgrade(TALLY)
    await bench.take(received("A", 5, "r1"))
    await bench.retry(delivery)
    await bench.retry(delivery)
    assert (await bench.pieces("A"), await bench.letters()) == (5, [("id-reused", "open", 3, None)])


async def test_a_letter_that_cannot_be_read_even_now_stays_a_letter(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(STRICT)
    await bench.take(delivery)
    await bench.retry(delivery)
    assert await bench.letters() == [("schema-violation", "open", 2, None)]


async def test_a_letter_that_is_of_no_interest_any_more_is_closed(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(BUGGY)
    await bench.take(described("A"), delivery)
    bench.upgrade(DEAF)
    await bench.retry(delivery)
    assert await bench.letters() == [("decision-failed", "closed", 1, "ignored")]


async def test_a_retried_letter_parks_behind_those_of_its_stream_and_may_fail_once_more(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(CLOSED)
    await bench.take(delivery)
    bench.upgrade(TALLY)
    await bench.take(received("A", 4, "r2"))
    await bench.retry(delivery)
    assert (await bench.parked(), await bench.letters()) == (2, [("dock-is-closed", "closed", 1, "parked")])
    await bench.after(timedelta(days=2))
    assert await bench.letters() == [("waited-too-long", "open", 2, None), ("behind-a-letter", "open", 1, None)]
    await bench.take(described("A"))
    await bench.retry(delivery)
    assert await bench.totals() == [2]


async def test_what_comes_after_a_letter_in_its_stream_becomes_one_too_and_is_decided_in_order(bench: Bench) -> None:
    first, second, third = (received("A", pieces, f"r{pieces}") for pieces in (1, 2, 4))
    bench.upgrade(BUGGY)
    await bench.take(described("A"), described("B"), first)
    bench.upgrade(TALLY)
    await bench.take(second, third, received("B", 8, "b1"))
    assert await bench.letters() == [("decision-failed", "open", 1, None), *[("behind-a-letter", "open", 1, None)] * 2]
    await bench.retry(third)
    assert (await bench.totals(), (await bench.letters())[2]) == ([8], ("behind-a-letter", "open", 2, None))
    await bench.retry(third, second, first)
    assert await bench.totals() == [8, 1, 3, 7]
    await bench.take(received("A", 16, "r16"))
    assert await bench.pieces("A") == 23


async def test_a_letter_whose_bug_is_still_there_holds_those_behind_it_when_all_are_tried_again(bench: Bench) -> None:
    deliveries = [received("A", pieces, f"r{pieces}") for pieces in (1, 2)]
    bench.upgrade(BUGGY)
    await bench.take(described("A"), *deliveries)
    await bench.retry(*deliveries)
    assert await bench.letters() == [("decision-failed", "open", 2, None), ("behind-a-letter", "open", 2, None)]


async def test_what_can_never_be_processed_holds_nobody(bench: Bench) -> None:
    bench.upgrade(CLOSED)
    await bench.take(described("A"), received("A", 1, "r1"))
    bench.upgrade(TALLY)
    await bench.take(received("A", 2, "r2"))
    assert await bench.totals() == [2]


async def test_a_letter_that_is_discarded_holds_nobody_any_more(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        bench.upgrade(BUGGY)
        await bench.take(described("A"), received("A", 1, "r1"))
        bench.upgrade(TALLY)
        await letterbox.discard(pool, [await pool.fetchval("SELECT id FROM dead_letters")], note="never came")
        await bench.take(received("A", 2, "r2"))
        assert await bench.totals() == [2]


@pytest.mark.parametrize("described_before", [True, False])
async def test_a_retried_letter_comes_before_the_later_ones_of_its_stream_which_may_wait_for_what_it_brings(
    bench: Bench, described_before: bool
) -> None:
    delivery = received("A", 2, "r1")
    bench.upgrade(BRINGING_CLOSED)
    await bench.take(delivery)
    await bench.take(counted("A", "c1"))
    bench.upgrade(BRINGING)
    if described_before:
        await bench.take(described("A"))
        await bench.retry(delivery)
    else:
        bench.clock.move_to(NOON + timedelta(hours=23))
        await bench.retry(delivery)
        await bench.after(timedelta(hours=2))
        assert (await bench.parked(), await bench.totals()) == (2, [])
        await bench.take(described("A"))
    assert (await bench.parked(), await bench.totals()) == (0, [2, 2])
    told = [dict(each.headers)["ce_causationid"] for each in await bench.outbox() if not each.topic.endswith(".dlq")]
    assert told == [b"r1", b"c1"]


async def test_letters_of_a_stream_are_tried_again_in_the_order_in_which_they_came(bench: Bench) -> None:
    deliveries = [received("A", pieces, f"r{pieces}") for pieces in (1, 2, 4, 8)]
    bench.upgrade(BUGGY)
    await bench.take(described("A"), *deliveries)
    bench.upgrade(TALLY)
    await bench.retry(*deliveries[::-1])
    assert await bench.totals() == [1, 3, 7, 15]


async def test_a_parked_message_that_a_later_release_cannot_read_is_a_letter(bench: Bench) -> None:
    delivery = received("A", 2, "r1")
    await bench.take(delivery)
    bench.upgrade(STRICT)
    await bench.take(described("A"), received("A", 100, "r2"))
    assert (await bench.totals(), await bench.parked()) == ([100], 0)
    assert await bench.letters() == [("schema-violation", "open", 1, None)]
    bench.upgrade(TALLY)
    await bench.take(delivery)
    await bench.retry(delivery)
    assert (await bench.totals(), await bench.arrivals()) == ([100, 102], 2)


async def test_a_parked_message_that_a_later_release_does_not_want_is_let_go(bench: Bench) -> None:
    await bench.take(received("A", 2, "r1"))
    bench.upgrade(DEAF)
    await bench.take(described("A"))
    assert (await bench.parked(), await bench.letters()) == (0, [])


async def test_the_messages_of_a_stream_give_up_in_their_order_whatever_the_clocks_say(bench: Bench) -> None:
    deliveries = [received("A", pieces, f"r{pieces}") for pieces in (1, 2, 4, 8)]
    for delivery, minute in zip(deliveries, (9, 3, 6, 0), strict=True):
        bench.clock.now = NOON + timedelta(minutes=minute)
        await bench.take(delivery)
    await bench.after(timedelta(days=1, minutes=5))
    assert await bench.letters() == []
    await bench.after(timedelta(minutes=5))
    given_up = [dict(each.headers)["ce_id"] for each in await bench.outbox()]
    assert given_up == [b"r1", b"r2", b"r4", b"r8"]


async def test_two_leaders_that_retry_a_letter_at_once_decide_it_once(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as holding:
        first, second = Bench(PostgresStore(BRINGING, pool)), Bench(PostgresStore(BRINGING, pool))
        await first.take(described("A"), received("A", 2, "r1"))
        # It changes no row whose version could tell the second one that it comes too late.
        look = counted("A", "c1")
        first.upgrade(LOOKING_BUGGY)
        await first.take(look)
        first.upgrade(BRINGING)
        await first.want_retried(look)
        async with holding.transaction():
            await holding.execute("LOCK TABLE tallies")
            both = asyncio.gather(first.engine.tick(), second.engine.tick())
            await stuck(pool, 2)
        await both
        assert await first.totals() == [2, 2]
        assert await first.letters() == [("decision-failed", "closed", 1, "decided")]


async def test_a_letter_that_the_database_refuses_holds_up_no_other(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(BUGGY, pool))
        deliveries = [received("ABCDE"[n], WALL + 1 if n == 2 else 1, f"r{n}") for n in range(5)]
        await bench.take(*map(described, "ABCDE"), *deliveries)
        bench.upgrade(TALLY)
        await bench.retry(*deliveries)
        assert [await bench.pieces(sku) for sku in "ABCDE"] == [1, 1, None, 1, 1]
        closed, refused = ("decision-failed", "closed", 1, "decided"), ("refused-by-database", "open", 2, None)
        assert await bench.letters() == [closed, closed, refused, closed, closed]
        await pool.execute("ALTER TABLE tallies DROP CONSTRAINT ck_tallies_wall")
        await bench.retry(deliveries[2])
        assert (await bench.pieces("C"), await bench.arrivals()) == (WALL + 1, 5)


async def test_a_letter_is_kept_whole_until_it_is_closed_and_then_forgotten(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(BUGGY, pool))
        delivery = received("A", 2, "r1", foreign=None, other=b"\xff", **{"ce_\x00": b"\x00"})
        await bench.take(described("A"), delivery)
        [kept] = await pool.fetch("SELECT key, value, type, handler, claimed FROM dead_letters")
        assert tuple(kept) == (delivery.key, delivery.value, "stock.received", "fail", True)
        bench.upgrade(TALLY)
        await bench.retry(delivery)
        [left] = await pool.fetch("SELECT key, value, headers, type, topic FROM dead_letters")
        assert tuple(left) == (None, None, None, "stock.received", "tekil.operations.v1")


async def test_words_of_a_publisher_that_no_database_takes_cost_nothing(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        strange = {"ce_\x00": None, "ce_type": b"stock.\x00", "ce_source": b"\xff"}
        await bench.take(described("A"), received("A", 2, "r1", **strange), received("A", 3, "r2"))
        assert (await bench.pieces("A"), await bench.dead()) == (3, [("tekil.operations.v1.tally.dlq", "bad-header")])
        [kept] = await pool.fetch("SELECT type, detail, headers FROM dead_letters")
        assert (kept["type"], kept["detail"]) == ("", "header ce_source is not UTF-8")
        assert dict(unpack(kept["headers"])).items() >= strange.items()


async def test_of_a_value_that_can_never_be_read_size_and_digest_are_kept(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        most, more = (record("stock.received", "r", b"x" * size) for size in (VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1))
        await bench.take(most, more)
        headers, value = await letterbox.content(pool, letter_id(more))
        assert (value, headers) == (
            None,
            (
                *more.headers,
                ("tekil_dlq_left_out", b"value"),
                ("tekil_dlq_value_bytes", b"1000001"),
                ("tekil_dlq_value_sha256", b"85e4daf430380f612580d11ebf1ba489a0341266af0f6f5ed620852545a4655e"),
            ),
        )
        assert await letterbox.content(pool, letter_id(most)) == (most.headers, most.value)
        wanted = await letterbox.retry(pool, ids=[letter_id(most), letter_id(more)])
        assert wanted == [Wanted(letter_id(most), attempts=1, waits=False)]


async def test_what_is_to_be_tried_again_is_told_to_whoever_wants_it_too(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(BUGGY, pool))
        first, second = received("A", 2, "r1"), received("B", 2, "r2")
        await bench.take(described("A"), described("B"), first, second)
        await bench.want_retried(first)
        assert await letterbox.retry(pool) == [
            Wanted(letter_id(first), attempts=1, waits=True),
            Wanted(letter_id(second), attempts=1, waits=False),
        ]


async def test_who_wants_letters_tried_again_waits_for_no_leader_that_decides_about_others(database: str) -> None:
    async with tally_pool(database) as pool, pool.acquire() as leader:
        bench = Bench(PostgresStore(BUGGY, pool))
        first, second = received("A", 2, "r1"), received("B", 2, "r2")
        await bench.take(described("A"), described("B"), first, second)
        await bench.want_retried(first)
        async with leader.transaction(), asyncio.timeout(30):
            await letterbox.take(leader, [letter_id(first)])
            assert [each.waits for each in await letterbox.retry(pool)] == [True, False]


async def test_a_letter_that_was_parked_and_failed_again_failed_first_when_it_failed_first(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(CLOSED, pool))
        delivery = received("A", 2, "r1")
        await bench.take(delivery)
        bench.upgrade(TALLY)
        await bench.after(timedelta(hours=1))
        await bench.retry(delivery)
        assert await bench.letters() == [("dock-is-closed", "closed", 1, "parked")]
        await bench.after(timedelta(days=2))
        entry = await letterbox.entry(pool, letter_id(delivery))
        assert entry is not None
        assert (entry.reason, entry.first_failed_at, entry.failed_at) == (
            "waited-too-long", NOON, NOON + timedelta(days=2, hours=1),
        )  # fmt: skip


async def test_letters_are_retried_some_megabytes_at_a_time_and_one_at_least(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(BUGGY, pool))
        deliveries = [received("ABCD"[n], 1, f"r{n}", padding=b"x" * 1_000_000) for n in range(4)]
        await bench.take(*map(described, "ABCD"), *deliveries)
        await bench.want_retried(*deliveries)
        for bytes_max, letters in ((1, 1), (1_000_000, 1), (2_000_000, 2), (8_000_000, 4)):
            ids = [letter_id(each) for each in deliveries[:letters]]
            assert await letterbox.retrying(pool, 500, bytes_max=bytes_max) == ids
        assert len(await letterbox.retrying(pool, 3)) == 3


async def test_a_closed_letter_does_not_name_its_key_any_more(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(BUGGY, pool))
        deliveries = [received("A", 2, "r1"), received("B", 2, "r2")]
        await bench.take(described("A"), described("B"), *deliveries)
        held = "SELECT holds FROM dead_letters ORDER BY record_offset"
        assert [row["holds"] for row in await pool.fetch(held)] == [
            "tekil.operations.v1|S1|A", "tekil.operations.v1|S1|B",
        ]  # fmt: skip
        bench.upgrade(TALLY)
        await bench.retry(deliveries[0])
        await letterbox.discard(pool, [letter_id(deliveries[1])], note="a test")
        assert [row["holds"] for row in await pool.fetch(held)] == ["", ""]
