"""What takes longer than a server allows: a batch is taken in smaller parts, and a tick is said to fail."""

import time
from dataclasses import replace

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.engine import member as members
from shared.engine.service import Service
from shared.events.operations import StockReceived
from shared.kernel.decision import Answer, Given
from tests.mesh.place import Place, eventually, running
from tests.mesh.records import described
from tests.mesh.test_outages import arrivals, numbered, pieces, said, totals, waits_for
from tests.mesh.test_silent_network import leads
from tests.store.tally import TALLY, Item, Tally, receive

DECIDES_S = 0.02


def receive_slowly(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Add to the tally, after long thought."""
    time.sleep(DECIDES_S)
    return receive(received, given, item=item, tallies=tallies)


_RECEIVING = TALLY.by_trigger[StockReceived.TYPE]
SLOW = Service(
    TALLY.name,
    TALLY.metadata,
    TALLY.rows,
    tuple(replace(each, decide=receive_slowly) if each is _RECEIVING else each for each in TALLY.handlers),
)


async def test_a_batch_that_decides_for_longer_than_the_database_waits_takes_effect_in_parts(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tally.publish(described("A"))
    async with running(tally.member(SLOW)):
        await eventually(lambda: tally.value(TALLY.name, "SELECT count(*) FROM items"), 1)
    monkeypatch.setitem(members.NOTICE_A_SILENT_CLIENT, "idle_in_transaction_session_timeout", "500")
    await tally.publish(*numbered(0, 80))
    with capture_logs() as logs:
        async with running(tally.member(SLOW)):
            await eventually(lambda: pieces(tally), 80)
            await eventually(lambda: tally.value(TALLY.name, "SELECT count(*) FROM outbox"), 0)
    assert ("batch", "waiting") in said(logs), "the whole batch was refused first"
    assert (await arrivals(tally), await totals(tally)) == (80, list(range(1, 81)))


async def test_ticks_that_fail_while_the_relay_goes_well_are_said_to(
    tally: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "STATEMENT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(members, "TICKS_FAIL_S", 0.5)
    member = tally.member(TALLY)
    locking = await asyncpg.connect(tally.databases[TALLY.name])
    with capture_logs() as logs:
        async with running(member):
            await eventually(lambda: leads(member))
            async with locking.transaction():
                await locking.execute("LOCK TABLE deadlines IN ACCESS EXCLUSIVE MODE")
                await eventually(lambda: waits_for(member), "the database")
            await eventually(lambda: waits_for(member), None)
    await locking.close()
    assert said(logs) == [("ticker", "waiting"), ("ticker", "going on")]
