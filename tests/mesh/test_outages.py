"""A database or a Kafka that goes away and comes back: members wait, say so once, go on by themselves, lose nothing."""

import asyncio
import json
import time
from dataclasses import replace

import asyncpg
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from shared.engine.member import STOP_TIMEOUT_S, Member
from shared.engine.message import Outgoing
from shared.runtime.apache_kafka import ApacheKafka
from shared.runtime.postgres import EmbeddedPostgres, create_databases
from tests.mesh.place import QUICK, Place, eventually, running, tally_place
from tests.mesh.records import described, received
from tests.store.tally import TALLY

AWAY_S = 2.0
PATIENT = replace(QUICK, backoff_min_s=30.0, backoff_max_s=60.0, finish_timeout_s=10.0)
"""A member that would sleep for long before it tries again."""
MOVED = "tekil.inventory.v1"


@pytest.fixture
async def on_own_postgres(kafka: str, own_postgres: EmbeddedPostgres, topic_prefix: str) -> Place:
    """A place whose database may go away."""
    name = topic_prefix.strip(".").replace("-", "_")
    await create_databases(own_postgres.url, [name])
    return await tally_place(kafka, f"{own_postgres.url}/{name}", topic_prefix)


@pytest.fixture
async def on_own_kafka(own_kafka: ApacheKafka, database: str, topic_prefix: str) -> Place:
    """A place whose Kafka may go away."""
    return await tally_place(own_kafka.bootstrap, database, topic_prefix)


async def pieces(place: Place) -> int | None:
    found = await place.fetch(TALLY.name, "SELECT pieces FROM tallies WHERE sku = 'A'")
    return found[0][0] if found else None


async def arrivals(place: Place) -> int:
    number: int = await place.value(TALLY.name, "SELECT count(*) FROM arrivals")
    return number


async def totals(place: Place) -> list[int]:
    """What the published events say is on hand, in their order; an event that came twice counts once."""
    told = {dict(record.headers)["ce_id"]: json.loads(record.value) for record in await place.published(MOVED)}
    return [each["on_hand_quantity"] for each in told.values()]


async def published(place: Place) -> int:
    return len(await totals(place))


async def fall_due(place: Place) -> None:
    """Let the deadline pass that the tally has, so that an event is written, and see it written."""
    await place.fetch(TALLY.name, "UPDATE deadlines SET due_at = '2026-01-01'")
    await eventually(lambda: place.value(TALLY.name, "SELECT count(*) FROM deadlines"), 0)


def numbered(start: int, end: int) -> list[Outgoing]:
    return [received("A", 1, f"r{number}") for number in range(start, end)]


async def waits_for(member: Member) -> str | None:
    return member.waiting_for


def said(logs: list[EventDict]) -> list[tuple[str, str]]:
    """Which parts of a member said that they wait, or go on."""
    return [(log["part"], log["event"]) for log in logs if log["event"] in ("waiting", "going on")]


@pytest.mark.parametrize("how", ["stop", "crash"])
async def test_a_member_waits_for_its_database(
    on_own_postgres: Place, own_postgres: EmbeddedPostgres, how: str
) -> None:
    place, member = on_own_postgres, on_own_postgres.member(TALLY)
    await place.publish(described("A"), *numbered(0, 50))
    with capture_logs() as logs:
        async with running(member):
            await eventually(lambda: pieces(place), 50)
            assert member.waiting_for is None
            getattr(own_postgres, how)()
            await place.publish(*numbered(50, 100))
            await eventually(lambda: waits_for(member), "the database")
            await asyncio.sleep(AWAY_S)
            own_postgres.start()
            await eventually(lambda: waits_for(member), None)
            await place.publish(*numbered(100, 120))
            await eventually(lambda: pieces(place), 120)
    assert (await arrivals(place), await totals(place)) == (120, list(range(1, 121)))
    assert sorted(said(logs)) == [
        ("batch", "going on"),
        ("batch", "waiting"),
        ("relay", "going on"),
        ("relay", "waiting"),
    ]


async def test_members_that_waited_for_their_database_all_say_that_it_is_back(
    on_own_postgres: Place, own_postgres: EmbeddedPostgres
) -> None:
    members = [on_own_postgres.member(TALLY) for _ in range(2)]

    async def waiting() -> list[str | None]:
        return [member.waiting_for for member in members]

    async with running(*members):
        await eventually(lambda: asyncio.sleep(0, sum(member.relay.leading for member in members)), 1)
        own_postgres.crash()
        await eventually(waiting, ["the database", "the database"])
        own_postgres.start()
        await eventually(waiting, [None, None])


async def test_a_member_that_is_asked_to_stop_while_its_batch_waits_for_the_database_stops_at_once(
    on_own_postgres: Place, own_postgres: EmbeddedPostgres
) -> None:
    place, member = on_own_postgres, on_own_postgres.member(TALLY, limits=PATIENT)
    await place.publish(described("A"), *numbered(0, 50))
    await member.start()
    await eventually(lambda: pieces(place), 50)
    with capture_logs() as logs:
        own_postgres.crash()
        await place.publish(*numbered(50, 100))
        await eventually(lambda: asyncio.sleep(0, ("batch", "waiting") in said(logs)))
    began = time.monotonic()
    await member.stop()
    took_s = time.monotonic() - began
    own_postgres.start()
    assert took_s < PATIENT.finish_timeout_s
    async with running(place.member(TALLY)):
        await eventually(lambda: pieces(place), 100)
    assert (await arrivals(place), await totals(place)) == (100, list(range(1, 101)))


async def test_a_member_whose_batch_is_stuck_says_how_far_it_lags_stops_in_time_and_loses_nothing(tally: Place) -> None:
    await tally.publish(described("A"), *numbered(0, 10))
    async with running(tally.member(TALLY)):
        await eventually(lambda: pieces(tally), 10)
    member = tally.member(TALLY)
    connection = await asyncpg.connect(tally.databases[TALLY.name])
    async with connection.transaction():
        await connection.execute("SELECT FROM tallies WHERE sku = 'A' FOR UPDATE")
        await tally.publish(*numbered(10, 20))
        await member.start()
        stuck = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        await eventually(lambda: tally.value(TALLY.name, stuck), 1)
        assert sum(member.consumer.lag().values()) == 10
        began = time.monotonic()
        await member.stop()
        assert time.monotonic() - began < STOP_TIMEOUT_S
    await connection.close()
    async with running(tally.member(TALLY)):
        await eventually(lambda: pieces(tally), 20)
    assert (await arrivals(tally), await totals(tally)) == (20, list(range(1, 21)))


async def test_a_member_waits_for_kafka(on_own_kafka: Place, own_kafka: ApacheKafka) -> None:
    place, member = on_own_kafka, on_own_kafka.member(TALLY)
    await place.publish(described("A"), *numbered(0, 50))
    with capture_logs() as logs:
        async with running(member):
            await eventually(lambda: published(place), 50)
            own_kafka.crash()
            await fall_due(place)
            await eventually(lambda: waits_for(member), "Kafka")
            own_kafka.start()
            await eventually(lambda: waits_for(member), None)
            await place.publish(*numbered(50, 100))
            await eventually(lambda: pieces(place), 100)
    assert (await arrivals(place), await totals(place)) == (100, [*range(1, 51), 50, *range(51, 101)])
    assert [line for line in said(logs) if line[0] == "relay"] == [("relay", "waiting"), ("relay", "going on")]


async def test_a_member_that_is_asked_to_stop_while_kafka_is_away_stops_in_time(
    on_own_kafka: Place, own_kafka: ApacheKafka
) -> None:
    place, member = on_own_kafka, on_own_kafka.member(TALLY)
    await place.publish(described("A"), *numbered(0, 50))
    await member.start()
    await eventually(lambda: published(place), 50)
    own_kafka.crash()
    await fall_due(place)
    began = time.monotonic()
    await member.stop()
    assert time.monotonic() - began < STOP_TIMEOUT_S
    # The next leader publishes it.
    assert await place.value(TALLY.name, "SELECT count(*) FROM outbox") == 1
