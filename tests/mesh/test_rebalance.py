"""Members come and go while batches are in hand: effects happen once, and no offset runs ahead of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka import TopicPartition

from shared.engine import consumer as consumers
from shared.engine.member import Limits, Member
from tests.mesh.place import Place, eventually, running
from tests.mesh.records import described, received
from tests.store.tally import TALLY

OPERATIONS, MOVED = "tekil.operations.v1", "tekil.inventory.v1"
SKUS = "ABCDEF"
ROUNDS = 60
SMALL = Limits(batch_max=7, tick_interval_s=0.05, backoff_min_s=0.05, backoff_max_s=0.5)
SESSION_MIN_MS = 6_000
"""The shortest session that a broker grants."""
NOTICED_S = 4.0
"""By then the heartbeat, every three seconds, has told a member that others join."""
_STUCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@asynccontextmanager
async def locked(place: Place, sku: str) -> AsyncIterator[None]:
    """Lock the row of a sku, so that a batch that changes it stays in hand."""
    connection = await asyncpg.connect(place.databases[TALLY.name])
    async with connection.transaction():
        await connection.execute("SELECT FROM tallies WHERE sku = $1 FOR UPDATE", sku)
        yield
    await connection.close()


async def publish_round(place: Place, number: int) -> None:
    """One record for each sku, each sku in the partition of its key."""
    await place.publish(*(received(sku, 1, f"{sku}-{number}") for sku in SKUS))


async def pieces(place: Place) -> dict[str, int]:
    return {row["sku"]: row["pieces"] for row in await place.fetch(TALLY.name, "SELECT sku, pieces FROM tallies")}


async def totals(place: Place) -> dict[str, list[int]]:
    """What was told of each sku, in order; an event that came twice counts once."""
    told = {dict(record.headers)["ce_id"]: json.loads(record.value) for record in await place.published(MOVED)}
    return {sku: [each["on_hand_quantity"] for each in told.values() if each["sku"] == sku] for sku in SKUS}


async def offsets_run_ahead(place: Place) -> list[tuple[int, int, str]]:
    """The records before the committed offsets that took no effect: there may be none, ever."""
    committed = await place.committed(TALLY.name)
    taken = {row["id"] for row in await place.fetch(TALLY.name, "SELECT id FROM inbox")}
    return [
        (record.partition, record.offset, event_id)
        for record in await place.published(OPERATIONS)
        if record.offset < committed.get((OPERATIONS, record.partition), 0)
        and (event_id := dict(record.headers)["ce_id"].decode()) not in taken
    ]


async def commits(place: Place) -> int:
    """Return how many operations are committed."""
    committed = await place.committed(TALLY.name)
    return sum(offset for (topic, _), offset in committed.items() if topic == OPERATIONS)


def repeated(member: Member) -> float:
    return member.metrics.registry.get_sample_value("tekil_messages_total", {"outcome": "repeated"}) or 0.0


def partitions(member: Member) -> frozenset[TopicPartition]:
    return frozenset(each for each in member.consumer.assigned if each.topic.endswith(OPERATIONS))


async def see_effects_once(place: Place, rounds: int) -> None:
    assert await pieces(place) == dict.fromkeys(SKUS, rounds)
    assert await place.value(TALLY.name, "SELECT count(*) FROM arrivals") == rounds * len(SKUS)
    assert set(map(tuple, (await totals(place)).values())) == {tuple(range(1, rounds + 1))}


async def test_members_that_come_and_go_do_everything_once_and_commit_nothing_ahead(tally: Place) -> None:
    members = [tally.member(TALLY, limits=SMALL) for _ in range(3)]
    await tally.publish(*map(described, SKUS))
    await members[0].start()
    for number in range(ROUNDS):
        await publish_round(tally, number)
        match number:
            case 15 | 30:
                joining = asyncio.create_task(members[number // 15].start())
            case 20 | 35:
                await joining
            case 45:
                await members[0].stop()
        if number % 5 == 0:
            assert await offsets_run_ahead(tally) == []
    await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, ROUNDS))
    assert sorted(map(len, map(partitions, members[1:]))) == [1, 2]
    await asyncio.gather(*(member.stop() for member in members[1:]))
    await see_effects_once(tally, ROUNDS)
    assert await offsets_run_ahead(tally) == []


async def test_a_rebalance_waits_for_the_batch_in_hand(tally: Place) -> None:
    first, second = tally.member(TALLY), tally.member(TALLY)
    await tally.publish(*map(described, SKUS))
    await publish_round(tally, 0)
    async with running(first):
        await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, 1))
        await eventually(lambda: commits(tally), len(SKUS))
        before = await tally.committed(TALLY.name)
        async with locked(tally, "A"):
            await publish_round(tally, 1)
            await eventually(lambda: tally.value(TALLY.name, _STUCK), 1)
            joining = asyncio.create_task(second.start())
            await asyncio.sleep(NOTICED_S)
            assert (joining.done(), await tally.committed(TALLY.name)) == (False, before)
        await joining
        await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, 2))
        assert partitions(first) | partitions(second) == {
            TopicPartition(tally.prefix + OPERATIONS, number) for number in range(3)
        }
        assert partitions(first) & partitions(second) == frozenset()
        assert repeated(first) + repeated(second) == 0
        await second.stop()
    await see_effects_once(tally, 2)


async def test_a_batch_that_outlives_its_session_takes_effect_once_though_another_takes_it_up(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SESSION_TIMEOUT_MS", SESSION_MIN_MS)
    first, second = tally.member(TALLY), tally.member(TALLY)
    await tally.publish(*map(described, SKUS))
    await publish_round(tally, 0)
    async with running(first):
        await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, 1))
        async with locked(tally, "A"):
            await publish_round(tally, 1)
            await eventually(lambda: tally.value(TALLY.name, _STUCK), 1)
            joining = asyncio.create_task(second.start())
            # The second one has the partitions now, and claims what the first one has claimed but not committed.
            await eventually(lambda: tally.value(TALLY.name, _STUCK), 2)
            assert await offsets_run_ahead(tally) == []
        await joining
        await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, 2))
        await publish_round(tally, 2)
        await eventually(lambda: pieces(tally), dict.fromkeys(SKUS, 3))
        assert repeated(first) + repeated(second) > 0
        await second.stop()
    await see_effects_once(tally, 3)
    assert await offsets_run_ahead(tally) == []
