"""The chaos rounds themselves: one is played, one with a bug in it is seen to fail, and the parts do what they say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from services.registry import NAMES
from shared.events import channel
from shared.runtime.apache_kafka_installation import KafkaMissing
from tests.chaos.crew import nursery
from tests.chaos.load import ORDERS, SALES, facts, told_by
from tests.chaos.playing import Report, Round
from tests.chaos.proxy import Proxy, proxy
from tests.chaos.schedule import CYCLE, FOR_S, Fault, Plan, plan
from tests.chaos.servers import servers

PATIENCE_S = 30.0
SILENCE_S = 0.3
TOGETHER = Plan(seed=1, groups=(NAMES,), lanes=())
"""A round in which the members of all services in a process die together, if somebody says when."""
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def played(plan: Plan, folder: Path, *, bug: str = "") -> Report:
    try:
        async with servers() as started, nursery(folder / "nursery.log") as forks:
            return await Round(plan=plan, servers=started, nursery=forks, folder=folder, bug=bug).play()
    except KafkaMissing as missing:
        pytest.skip(str(missing))


async def test_whatever_dies_nothing_is_lost_nothing_counts_twice_and_nothing_drifts(tmp_path: Path) -> None:
    of_processes = Fault("leader-killed", 1.0, 0.2, roll=0), Fault("publisher-killed", 0.5, 0.5, roll=59)
    of_servers = Fault("database-restarted", 2.0, 0.2, roll=0), Fault("broker-killed", 0.5, 0.2, roll=0)
    report = await played(replace(TOGETHER, lanes=(of_processes, of_servers)), tmp_path)
    assert report.wrong == ""
    assert {each.kind for each in report.applied} == {each.kind for each in (*of_processes, *of_servers)}
    assert report.volume is not None
    assert (report.volume.orders, report.volume.events) == (ORDERS + SALES, 2807)
    # One in five is told again by publishers that are not sure, and some by the one that was killed.
    assert report.volume.told_again >= len(told_by("web", 1)) + len(told_by("stores", 1)) - len(facts(1))


async def test_a_bug_that_loses_events_when_the_leader_dies_is_seen(tmp_path: Path) -> None:
    killed = Fault("leader-killed", 2.0, 0.2, roll=0)
    report = await played(replace(TOGETHER, lanes=((killed,),)), tmp_path, bug="delete-before-publishing")
    assert report.wrong.startswith("Broken: ")
    assert report.volume is None


def test_a_plan_is_a_function_of_its_seed_and_a_cycle_of_rounds_has_every_kind_of_fault() -> None:
    assert plan(7) == plan(7)
    for first in range(0, 30 * CYCLE, CYCLE):
        lanes = chain.from_iterable(plan(seed).lanes for seed in range(first, first + CYCLE))
        assert {fault.kind for lane in lanes for fault in lane} == FOR_S.keys()


def test_every_service_runs_once_in_a_group_and_who_dies_together_differs() -> None:
    groups = [plan(seed).groups for seed in range(50)]
    assert all(sorted(chain.from_iterable(each)) == sorted(NAMES) for each in groups)
    assert {len(each) for each in groups} == {1, 2, 3, 4, 5}


def test_publishers_tell_everything_in_its_order_some_of_it_again_and_nothing_before_its_time() -> None:
    day = [fact.record for fact in facts(3)]
    web, stores = told_by("web", 3), told_by("stores", 3)
    assert list(dict.fromkeys(web)) == list(dict.fromkeys(each for each in day if each.topic == channel.TOPIC))
    assert list(dict.fromkeys(stores)) == list(dict.fromkeys(each for each in day if each.topic != channel.TOPIC))
    assert 0.1 < (len(web) + len(stores)) / len(day) - 1 < 0.3


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says what it hears."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(100):
            writer.write(heard)
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Proxy, Client]]:
    async with echo() as port, proxy() as network:
        network.target = port
        client = await asyncio.open_connection("127.0.0.1", network.port)
        assert await said(client, b"hello") == b"hello"
        yield network, client
        client[1].transport.abort()


async def said(client: Client, words: bytes, *, within_s: float = PATIENCE_S) -> bytes | None:
    """What comes back: nothing at all, where the connection has ended; None, where it is silent."""
    reader, writer = client
    writer.write(words)
    try:
        return await asyncio.wait_for(reader.read(100), within_s)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


async def test_what_is_cut_ends_and_nobody_gets_through_before_it_heals() -> None:
    async with connected() as (network, client):
        network.cut()
        assert await said(client, b"there?") == b""
        refused = await asyncio.open_connection("127.0.0.1", network.port)
        assert await said(refused, b"there?") == b""
        network.heal()
        again = await asyncio.open_connection("127.0.0.1", network.port)
        assert await said(again, b"there?") == b"there?"


async def test_what_is_stalled_is_silent_and_arrives_late() -> None:
    async with connected() as (network, client):
        network.stall()
        assert await said(client, b"slow", within_s=SILENCE_S) is None
        network.heal()
        assert await said(client, b"ly") in (b"slow", b"slowly")


async def test_what_is_half_open_is_silent_until_it_is_reset_and_new_connections_work() -> None:
    async with connected() as (network, client):
        network.half_open()
        assert await said(client, b"there?", within_s=SILENCE_S) is None
        other = await asyncio.open_connection("127.0.0.1", network.port)
        assert await said(other, b"there?") == b"there?"
        network.heal()
        assert await said(client, b"there?") == b""
        assert await said(other, b"still?") == b"still?"
