"""A silent network, and a leader that stood still: another leads meanwhile, and nothing is lost or doubled."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.engine import member as members
from shared.engine.relay import LEADER_LOCK
from tests.chaos.proxy import proxy
from tests.mesh.place import Place, eventually, running
from tests.mesh.processes import processes
from tests.mesh.records import described
from tests.mesh.test_outages import arrivals, numbered, pieces, published, totals, waits_for
from tests.store.tally import TALLY

_LEADER = """
    SELECT coalesce(max(application_name), '') FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = $1 AND granted AND datname = current_database()
"""

_END_ITS_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
"""All of them: the one that leads, and one in the midst of a batch, whose locks would make others wait for a minute."""


async def leads(member: members.Member) -> bool:
    return member.relay.leading


async def test_a_member_whose_database_falls_silent_says_so_and_another_leads(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "STATEMENT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(members, "CONNECT_TIMEOUT_S", 1.0)
    server, _, name = tally.databases[TALLY.name].rpartition("/")
    credentials, _, port = server.rpartition(":")
    async with proxy() as network:
        network.target = int(port)
        behind = replace(tally, databases={TALLY.name: f"{credentials}:{network.port}/{name}"})
        cut_off, other = behind.member(TALLY), tally.member(TALLY)
        await tally.publish(described("A"), *numbered(0, 50))
        async with running(cut_off):
            await eventually(lambda: leads(cut_off))
            await eventually(lambda: published(tally), 50)
            async with running(other):
                network.half_open()
                network.stall()
                await tally.publish(*numbered(50, 100))
                await eventually(lambda: waits_for(cut_off), "the database")
                await eventually(lambda: leads(other))
                network.heal()
                await eventually(lambda: waits_for(cut_off), None)
                await tally.publish(*numbered(100, 150))
                await eventually(lambda: pieces(tally), 150)
    assert (await arrivals(tally), await totals(tally)) == (150, list(range(1, 151)))


async def test_a_leader_that_wakes_after_another_led_publishes_nothing_out_of_order(
    tally: Place, tmp_path: Path
) -> None:
    async with processes(tally, [TALLY.name], "first", "second", log=tmp_path) as both:
        await eventually(lambda: tally.value(TALLY.name, f"SELECT ({_LEADER}) <> ''", LEADER_LOCK))
        leader = await tally.value(TALLY.name, _LEADER, LEADER_LOCK)
        [paused] = [process for process in both if process.name == leader]
        await tally.publish(described("A"), *numbered(0, 300))
        paused.pause()
        try:
            # What PostgreSQL does to a client that the network swallowed; it would let this one lead on.
            await tally.fetch(TALLY.name, _END_ITS_SESSIONS, leader)
            await tally.publish(*numbered(300, 600))
            await eventually(lambda: pieces(tally), 600, timeout_s=60.0)
            await eventually(lambda: published(tally), 600)
        finally:
            paused.resume()
        await tally.publish(*numbered(600, 700))
        await eventually(lambda: published(tally), 700)
    assert (await arrivals(tally), await totals(tally)) == (700, list(range(1, 701)))
