"""What the relay promises: order per key, a leader at all times, and no record that holds up another's topic or key."""

import asyncio
import random
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.engine import relay as relays
from shared.engine.metrics import Metrics
from shared.engine.packing import pack
from shared.engine.relay import Relay
from shared.engine.tracing import Silent
from tests.mesh.place import Place, eventually
from tests.store.tally import TALLY

TOPIC = "tekil.inventory.v1"
Connect = Callable[[], Awaitable[asyncpg.Connection]]
WRITERS, KEYS, TRANSACTIONS = 8, 20, 60
TAKEOVER_S = 5.0
CUT_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database AS here ON here.oid = database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""
"""Ends the session that holds the lead, as the death of its member does."""


def relay(place: Place, *, batch_max: int = 100, connect: Connect | None = None) -> Relay:
    return Relay(
        TALLY.name,
        connect or (lambda: asyncpg.connect(place.databases[TALLY.name])),
        place.bootstrap,
        batch_max=batch_max,
        metrics=Metrics(TALLY.name),
        tracing=Silent(),
    )


@asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in relays]
    try:
        yield
    finally:
        for each in relays:
            each.stop()
        await asyncio.gather(*tasks)


async def write(place: Place, *records: tuple[str, str, bytes]) -> None:
    """Write records, each topic, key and value, to the outbox in one transaction."""
    connection = await asyncpg.connect(place.databases[TALLY.name])
    await insert(connection, place, records)
    await connection.close()


async def insert(connection: asyncpg.Connection, place: Place, records: Sequence[tuple[str, str, bytes]]) -> None:
    await connection.executemany(
        "INSERT INTO outbox (topic, key, value, headers, written_at) VALUES ($1, $2, $3, $4, now())",
        [(place.prefix + topic, key.encode(), value, pack(())) for topic, key, value in records],
    )


async def waiting(place: Place) -> int:
    count: int = await place.value(TALLY.name, "SELECT count(*) FROM outbox")
    return count


async def values(place: Place, topic: str = TOPIC) -> dict[str, list[bytes]]:
    """What was published, by key, in order."""
    found = defaultdict(list)
    for record in await place.published(topic):
        found[record.key.decode()].append(record.value)
    return dict(found)


async def keep_writing(place: Place, seed: int) -> None:
    """Write as a batch does: lock the rows of some keys, decide, and draw the outbox ids while they are locked."""
    chance = random.Random(seed)
    connection = await asyncpg.connect(place.databases[TALLY.name])
    for _ in range(TRANSACTIONS):
        keys = sorted(chance.sample(range(KEYS), 3))
        async with connection.transaction():
            rows = await connection.fetch(
                "SELECT * FROM tallies WHERE sku = ANY($1) ORDER BY sku FOR UPDATE", [f"{key:02}" for key in keys]
            )
            await asyncio.sleep(chance.random() / 100)
            await insert(connection, place, [(TOPIC, row["sku"], str(row["pieces"]).encode()) for row in rows])
            await connection.execute(
                "UPDATE tallies SET pieces = pieces + 1 WHERE sku = ANY($1)", [row["sku"] for row in rows]
            )
            await asyncio.sleep(chance.random() / 100)
    await connection.close()


async def test_records_of_a_key_stay_in_order_though_commits_overtake_each_other(tally: Place) -> None:
    await tally.fetch(
        TALLY.name, "INSERT INTO tallies SELECT lpad(n::text, 2, '0'), 0, 1 FROM generate_series(0, $1) AS n", KEYS - 1
    )
    async with relaying(relay(tally, batch_max=7), relay(tally)):
        await asyncio.gather(*(keep_writing(tally, seed) for seed in range(WRITERS)))
        await eventually(lambda: waiting(tally), 0)
    published = await values(tally)
    assert sum(map(len, published.values())) == WRITERS * TRANSACTIONS * 3
    for of_key in published.values():
        assert of_key == [str(number).encode() for number in range(len(of_key))]


async def test_when_the_leader_dies_another_takes_over_within_seconds(tally: Place) -> None:
    leader, follower = relay(tally), relay(tally)
    leading = asyncio.create_task(leader.run())
    await eventually(lambda: asyncio.sleep(0, leader.leading))
    async with relaying(follower):
        for number in range(200):
            await write(tally, (TOPIC, "A", str(number).encode()))
            if number == 100:
                await tally.fetch(TALLY.name, CUT_OFF)
                leading.cancel()
        await eventually(lambda: waiting(tally), 0, timeout_s=TAKEOVER_S)
        assert follower.leading
    await asyncio.gather(leading, return_exceptions=True)
    # A record whose acknowledgement got lost with the leader is published again: in its place, and never lost.
    firsts = list(dict.fromkeys((await values(tally))["A"]))
    assert firsts == [str(number).encode() for number in range(200)]


async def test_a_record_too_large_for_kafka_is_held_with_its_key_alone(tally: Place) -> None:
    huge = secrets.token_bytes(2_000_000)
    async with relaying(relay(tally)):
        await write(
            tally, (TOPIC, "A", b"1"), (TOPIC, "B", b"1"), (TOPIC, "A", huge), (TOPIC, "A", b"3"), (TOPIC, "B", b"2")
        )
        await eventually(lambda: waiting(tally), 2)
        await write(tally, (TOPIC, "A", b"4"), (TOPIC, "B", b"3"), (TOPIC, "C", b"1"))
        await eventually(lambda: waiting(tally), 3)
    assert await values(tally) == {"A": [b"1"], "B": [b"1", b"2", b"3"], "C": [b"1"]}
    left = await tally.fetch(TALLY.name, "SELECT key, length(value) FROM outbox ORDER BY id")
    assert [tuple(row) for row in left] == [(b"A", 2_000_000), (b"A", 1), (b"A", 1)]


async def test_large_records_are_read_one_by_one_in_their_place(tally: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "LARGE_BYTES", 1_000)
    each = [bytes([number]) * (1_001 if number in (3, 4) else 1_000) for number in range(7)]
    await write(tally, *((TOPIC, "A", value) for value in each))
    read_at_once = []
    connection = await asyncpg.connect(tally.databases[TALLY.name])
    while rows := (await relay(tally)._read(connection))[0]:
        read_at_once.append([row["value"] for row in rows])
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
    await connection.close()
    assert read_at_once == [each[:3], [each[3]], [each[4]], each[5:]]
    await write(tally, *((TOPIC, "A", value) for value in each))
    async with relaying(relay(tally)):
        await eventually(lambda: waiting(tally), 0)
    assert (await values(tally))["A"] == each


async def test_a_relay_that_connects_anew_deletes_nothing_on_behalf_of_another_server(tally: Place) -> None:
    await write(tally, *((TOPIC, "A", b"%d" % number) for number in range(5)))
    moved = relay(tally)
    # A standby that took over lacks the last rows, and gave their ids to these.
    moved._delivered = [row["id"] for row in await tally.fetch(TALLY.name, "SELECT id FROM outbox")]
    async with relaying(moved):
        await eventually(lambda: waiting(tally), 0)
    assert (await values(tally))["A"] == [b"%d" % number for number in range(5)]


@pytest.mark.parametrize("batch_max", [10, 100])
async def test_the_relay_does_not_sleep_while_it_knows_of_more(
    tally: Place, monkeypatch: pytest.MonkeyPatch, batch_max: int
) -> None:
    monkeypatch.setattr(relays, "IDLE_MIN_S", 3600.0)
    monkeypatch.setattr(relays, "IDLE_MAX_S", 3600.0)
    monkeypatch.setattr(relays, "PRODUCER_BATCH_BYTES", 150_000)
    small, large = secrets.token_bytes(60_000), secrets.token_bytes(70_000)
    # Cut off before a large one, one large one a round, more than a batch of the producer, more than a read.
    each = [small, large, large, *[small] * 7, *[b"%d" % number for number in range(25)]]
    await write(tally, *((TOPIC, "A", value) for value in each))
    async with relaying(relay(tally, batch_max=batch_max)):
        await eventually(lambda: values(tally), {"A": each})


async def test_a_broker_that_takes_less_than_a_batch_still_gets_every_record(tally: Place) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=tally.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{tally.prefix}narrow", 1, 1, topic_configs={"max.message.bytes": "100000"})])
    await admin.close()
    each = [secrets.token_bytes(30_000) for _ in range(40)]
    async with relaying(relay(tally)):
        await write(tally, *(("narrow", "A", value) for value in each))
        await eventually(lambda: waiting(tally), 0)
    assert (await values(tally, "narrow"))["A"] == each


async def test_a_missing_topic_stops_no_other_and_its_records_go_once_it_is_there(tally: Place) -> None:
    async with relaying(relay(tally)):
        await write(tally, ("not.there", "A", b"1"), (TOPIC, "A", b"1"))
        await eventually(lambda: waiting(tally), 1, timeout_s=3.0)
        await write(tally, ("not.there", "A", b"2"), (TOPIC, "A", b"2"))
        await eventually(lambda: waiting(tally), 2, timeout_s=3.0)
        admin = AIOKafkaAdminClient(bootstrap_servers=tally.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(f"{tally.prefix}not.there", 1, 1)])
        await admin.close()
        await eventually(lambda: waiting(tally), 0)
    assert await values(tally) == {"A": [b"1", b"2"]}
    assert await values(tally, "not.there") == {"A": [b"1", b"2"]}


async def test_a_follower_asks_for_the_lead_twice_a_second_however_busy_its_member_is(tally: Place) -> None:
    asked: list[str] = []

    async def connect() -> asyncpg.Connection:
        connection = await asyncpg.connect(tally.databases[TALLY.name])
        connection.add_query_logger(lambda logged: asked.append(logged.query))
        return connection

    leader, follower = relay(tally), relay(tally, connect=connect)
    async with relaying(leader):
        await eventually(lambda: asyncio.sleep(0, leader.leading))
        async with relaying(follower):
            for _ in range(120):
                follower.wake()
                await asyncio.sleep(0.01)
    assert 1 <= len(asked) <= 6, f"{len(asked)} questions in 1.2 s"


async def test_a_leader_that_was_paused_reads_again_before_it_publishes(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = relay(tally)
    async with relaying(leader):
        monkeypatch.setattr(relays, "LEAD_DOUBTED_S", -1.0)
        await write(tally, (TOPIC, "A", b"1"))
        await asyncio.sleep(0.5)
        assert (await waiting(tally), leader.standstill.waiting_for) == (1, None)
        monkeypatch.undo()
        await eventually(lambda: waiting(tally), 0)
    assert await values(tally) == {"A": [b"1"]}
