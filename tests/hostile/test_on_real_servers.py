"""Hostile histories on real Kafka and PostgreSQL: what only those can refuse, they are not asked to take."""

import os
from collections.abc import Sequence
from itertools import count

import asyncpg
import pytest
from pydantic import SecretStr

from services.mesh import Mesh, running
from services.reconcile import Reconciliation, reconcile
from shared.engine.message import Outgoing
from shared.runtime.topics import load
from tests.hostile.generate import generate
from tests.hostile.play import OUR_FAULTS, effect_of
from tests.mesh.place import NOON, Place, tekil_place
from tests.simulation.world import CODES, Told, beginning

MESSAGES = int(os.environ.get("TEKIL_FUZZ_MESSAGES", "1500"))
"""Of each kind: those of a hostile world, and those of services gone mad, too."""
PATIENCE_S = 600.0
COMPACTED = {"tekil.reference.v1", "tekil.availability.v1"}
KEYS = {
    "inventory": "SELECT location_id FROM stock",
    "attribution": "SELECT sku FROM item",
    "order": "SELECT order_id FROM orders",
    "returns": "SELECT order_id FROM purchase",
}
"""Where the rows are that good events leave behind."""


def told(*, outside_only: bool) -> list[Told]:
    """Return so many messages of histories that are of one kind."""
    found: list[Told] = []
    for seed in count(1):
        history = generate(seed)
        if history.commutes is outside_only:
            found += [step for step in history.steps if isinstance(step, Told)]
        if len(found) >= MESSAGES:
            return found
    raise AssertionError("seeds do not end")


@pytest.mark.parametrize("outside_only", [True, False], ids=["a hostile world", "mad neighbours too"])
async def test_nothing_is_our_fault_nothing_blocks_and_nothing_drifts(
    kafka: str, postgres: str, topic_prefix: str, *, outside_only: bool
) -> None:
    place = await tekil_place(kafka, postgres, topic_prefix)
    said = told(outside_only=outside_only)
    settings = place.settings.model_copy(update={"pickup_secret": SecretStr(CODES.secret.decode())})
    async with running(Mesh(settings, bootstrap=kafka, postgres=postgres, clock=lambda: NOON)) as mesh:
        await place.publish(*(each.record for each in [*beginning(), *said] if not _kafka_refuses(each.record)))
        await mesh.settle(PATIENCE_S)

    assert [letter for letter in await dead_letters(place) if letter[0] in OUR_FAULTS] == []
    assert await without_effect(place, [each for each in said if each.stays]) == []
    if outside_only:
        assert (await drift(place)).shown == []


def _kafka_refuses(record: Outgoing) -> bool:
    """Say whether Kafka itself takes no such record: without a key, on a topic that keeps the newest of each key."""
    return record.key is None and record.topic in COMPACTED


async def dead_letters(place: Place) -> list[tuple[str, str]]:
    """Return reason and detail of every dead letter."""
    letters = await place.published(*(topic.name for topic in load().all_topics() if topic.name.endswith(".dlq")))
    found = [dict(letter.headers) for letter in letters]
    return [(each["tekil_dlq_reason"].decode(), each["tekil_dlq_detail"].decode()) for each in found]


async def without_effect(place: Place, good: Sequence[Told]) -> list[str]:
    """Return the good events that left no row behind."""
    there = {service: {row[0] for row in await place.fetch(service, query)} for service, query in KEYS.items()}
    effects = [effect_of(each) for each in good]
    keys = [(service, key[0] if isinstance(key, tuple) else key) for service, _, key in effects]
    return [f"{service} {key}" for service, key in keys if key not in there[service]]


async def drift(place: Place) -> Reconciliation:
    """Return how the books differ from what the services did."""
    connections = {name: await asyncpg.connect(place.databases[name]) for name in place.databases}
    try:
        return await reconcile(connections)
    finally:
        for connection in connections.values():
            await connection.close()
