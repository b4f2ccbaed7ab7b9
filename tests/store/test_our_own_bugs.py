"""A bug of ours beside a decision costs the message that it is about, and no other: on both stores alike."""

from dataclasses import replace as altered
from datetime import timedelta

from shared.engine.memory import MemoryStore
from shared.engine.message import Due
from shared.engine.postgres import PostgresStore
from shared.engine.service import Service, at_deadline, many, on, one
from shared.engine.store import DeadlineSet
from shared.events.operations import StockAdjusted, StockReceived
from shared.kernel.decision import Answer, Decision, Given
from tests.store.bench import NOON, TRACE, Bench, described, received, record, tally_pool
from tests.store.releases import BUGGY
from tests.store.tally import PATIENCE, TALLY, Arrival, Item, Tally, receive

DLQ = "tekil.operations.v1.tally.dlq"
_RECEIVING = TALLY.by_trigger[StockReceived.TYPE]


def the_sku(received: StockReceived) -> str:
    """Name an item, with a bug about one of them."""
    return {"A": "A", "B": "B"}[received.sku]


def too_large(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Decide as ever, and post what no column holds."""
    decision = receive(received, given, item=item, tallies=tallies)
    if received.sku != "C" or not isinstance(decision, Decision):
        return decision
    return decision + Decision(rows=(Arrival("too-large", "C", 2**70),))


class StockWithoutKey(StockReceived, type=StockReceived.TYPE, topic=StockReceived.TOPIC, key=("location_id", "box")):
    """A contract whose key names a field that is not there."""


def _release(*handlers: object) -> Service:
    kept = [each for each in TALLY.handlers if each.trigger not in {one.trigger for one in handlers}]  # type: ignore[attr-defined]
    return Service(TALLY.name, TALLY.metadata, TALLY.rows, (*kept, *handlers))  # type: ignore[arg-type]


LOOKING_WRONG = _release(altered(_RECEIVING, needs=(one("item", Item, the_sku), _RECEIVING.needs[1])))


async def test_a_bug_in_what_a_message_needs_sets_that_message_aside(bench: Bench) -> None:
    bench.upgrade(LOOKING_WRONG)
    await bench.take(
        described("A"), described("C"), received("A", 1, "r1"), received("C", 1, "r2"), received("A", 2, "r3")
    )
    assert (await bench.pieces("A"), await bench.pieces("C")) == (3, None)
    assert await bench.dead() == [(DLQ, "decision-failed")]


async def test_what_was_decided_before_the_bug_came_is_a_repetition_and_no_letter(bench: Bench) -> None:
    delivery = received("C", 1, "r1")
    await bench.take(described("A"), described("C"), delivery)
    bench.upgrade(LOOKING_WRONG)
    await bench.take(delivery, received("A", 1, "r2"))
    assert (await bench.pieces("A"), await bench.pieces("C"), await bench.letters()) == (1, 1, [])


async def test_it_is_tried_again_after_the_repair(bench: Bench) -> None:
    bench.upgrade(LOOKING_WRONG)
    delivery = received("C", 4, "r1")
    await bench.take(described("C"), delivery)
    await bench.retry(delivery)
    assert (await bench.pieces("C"), await bench.letters()) == (None, [("decision-failed", "open", 2, None)])
    bench.upgrade(TALLY)
    await bench.retry(delivery)
    assert (await bench.pieces("C"), await bench.letters()) == (4, [("decision-failed", "closed", 2, "decided")])


async def test_whose_turn_comes_while_a_message_that_fails_waits_does_not_pay_for_it(bench: Bench) -> None:
    bench.upgrade(TALLY)
    await bench.take(received("C", 1, "r1"))
    bench.upgrade(LOOKING_WRONG)
    await bench.take(described("C"), described("A"), received("A", 5, "r2"))
    await bench.after(timedelta(seconds=1))
    assert (await bench.pieces("A"), await bench.pieces("C"), await bench.parked()) == (5, None, 0)
    assert await bench.dead() == [(DLQ, "decision-failed")]


async def test_an_event_whose_key_cannot_be_told_is_set_aside(bench: Bench) -> None:
    bench.upgrade(_release(on(StockWithoutKey, _RECEIVING.decide, *_RECEIVING.needs)))
    await bench.take(received("A", 1, "r1"), described("A"))
    assert await bench.dead() == [(DLQ, "reading-failed")]


async def test_what_no_column_takes_is_set_aside(database: str) -> None:
    async with tally_pool(database) as pool:
        bench = Bench(PostgresStore(TALLY, pool))
        bench.upgrade(_release(altered(_RECEIVING, decide=too_large)))
        await bench.take(
            described("A"), described("C"), received("A", 1, "r1"), received("C", 1, "r2"), received("A", 2, "r3")
        )
        assert (await bench.pieces("A"), await bench.pieces("C"), await bench.arrivals()) == (3, None, 2)
        assert await bench.dead() == [(DLQ, "refused-by-database")]


async def test_a_deadline_that_a_release_has_dropped_keeps_no_other_from_its_time(bench: Bench) -> None:
    def remind(due: Due, given: Given, *, tallies: dict[str, Tally]) -> Answer:
        return Decision()

    await bench.take(described("A"), received("A", 1, "r1"))
    old = DeadlineSet("reminder", "A", NOON, "m-1", TRACE)
    if isinstance(bench.store, MemoryStore):
        bench.store.deadlines["reminder", "A"] = old
    else:
        put = "INSERT INTO deadlines (name, key, due_at, message_id, traceparent) VALUES ($1, $2, $3, $4, $5)"
        await bench.store.pool.execute(put, old.name, old.key, old.due_at, old.message_id, old.traceparent)
    await bench.after(PATIENCE)
    assert await bench.totals() == [1, 1], "the audit came, an hour later"
    bench.upgrade(_release(at_deadline("reminder", remind, many("tallies", Tally, lambda due: [due.key]))))
    await bench.after(timedelta(minutes=2))
    assert await bench.store.due(NOON + timedelta(days=9), 9) == [], "a release that knows it again sees to it"


async def test_a_letter_that_a_retry_parks_meanwhile_is_not_overtaken(database: str) -> None:
    """It parks when the transaction of a later message has looked for what waits, and not yet for letters."""

    def adjust(adjusted: StockAdjusted, given: Given) -> Answer:
        return Decision(rows=(Arrival("overtaken", adjusted.sku, 1),))

    release = _release(on(StockAdjusted, adjust))
    early = received("A", 1, "r1")
    later = record(StockAdjusted.TYPE, "a1", {"location_id": "S1", "sku": "A", "change_quantity": 1, "reason": "found"})
    async with tally_pool(database) as pool:
        leader, bench = Bench(PostgresStore(TALLY, pool)), Bench(PostgresStore(TALLY, pool))
        bench.upgrade(BUGGY)
        await bench.take(described("A"), early)
        await pool.execute("DELETE FROM items")
        bench.upgrade(release)
        begin = bench.store.begin
        bench.store.begin = lambda: _Interrupted(begin(), lambda: leader.retry(early))  # type: ignore[method-assign, assignment, no-untyped-call]
        await bench.take(later)
        assert await pool.fetchval("SELECT count(*) FROM arrivals") == 0, "the earlier one waits still"


class _Interrupted:
    """A transaction in which, once it has looked for what waits, something else happens."""

    def __init__(self, transaction, happen):  # type: ignore[no-untyped-def]
        self._opening, self._happen = transaction, happen

    async def __aenter__(self):  # type: ignore[no-untyped-def]
        transaction = await self._opening.__aenter__()
        waiting = transaction.waiting

        async def interrupted(*given, **named):  # type: ignore[no-untyped-def]
            found = await waiting(*given, **named)
            await self._happen()
            return found

        transaction.waiting = interrupted
        return transaction

    async def __aexit__(self, *failed):  # type: ignore[no-untyped-def]
        return await self._opening.__aexit__(*failed)
