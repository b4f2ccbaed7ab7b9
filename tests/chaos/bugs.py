"""Bugs that a round must find, planted in the members' processes and nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

from aiokafka import TopicPartition

from shared.engine.consumer import Consumer
from shared.engine.member import Member
from shared.engine.message import Raw
from shared.engine.postgres import PostgresStore, PostgresTransaction
from shared.engine.relay import Relay
from shared.engine.store import Claim, Verdict
from tests.simulation.mutants import Mutant

LINGERS_S = 0.2
read_well, handle_well, persist_well = (
    Relay._read,
    Consumer._handle,
    Member._persist,
)


async def read_and_delete(self: Relay, connection: Any) -> tuple[list[Any], bool]:
    rows, is_all = await read_well(self, connection)
    await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
    await asyncio.sleep(LINGERS_S)
    return rows, is_all


async def judge_all_new(self: PostgresTransaction, claims: Sequence[Claim], new: object) -> list[Verdict]:
    return [Verdict.FRESH] * len(claims)


async def commit_and_take(self: Consumer, records: Sequence[Raw]) -> None:
    self._note_what_is_in_hand(records)
    self._taken.update((TopicPartition(each.topic, each.partition), each.offset + 1) for each in records)
    await self._commit()
    await handle_well(self, records)


async def try_once(self: Member, records: Sequence[Any]) -> list[Any]:
    try:
        return await self.engine.process(records)
    except Exception:
        return []


@asynccontextmanager
async def begin_nothing(self: PostgresStore) -> AsyncIterator[PostgresTransaction]:
    async with self.pool.acquire() as connection:
        yield PostgresTransaction(self, connection)


BUGS = (
    Mutant(
        "delete-before-publishing",
        "The relay deletes rows, and publishes them a little later.",
        ((Relay, "_read", read_and_delete),),
    ),
    Mutant("inbox-ignored", "What the inbox says is ignored.", ((PostgresTransaction, "_judge", judge_all_new),)),
    Mutant("offsets-first", "Offsets are committed before the database.", ((Consumer, "_handle", commit_and_take),)),
    Mutant("tried-once", "A batch that fails is not tried again.", ((Member, "_persist", try_once),)),
    Mutant("no-transaction", "Each statement commits by itself.", ((PostgresStore, "begin", begin_nothing),)),
)


def planted(name: str) -> AbstractContextManager[None]:
    """Plant the bug of a name for a while; none where the name is empty."""
    return next(bug for bug in BUGS if bug.name == name).planted() if name else nullcontext()
