"""Judging a round: what it left behind must be what the same day leaves behind on the simulation, without a fault.

Its rows, journals and events are poured into a simulated cluster, so that the very checks of the simulation judge them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg
from aiokafka import ConsumerRecord

from services.reconcile import reconcile
from shared.engine import letterbox
from shared.engine.memory import KeptLetter
from shared.engine.message import Outgoing
from shared.engine.store import Effects
from shared.events.inventory import AvailabilityChanged
from shared.runtime.topics import load
from tests.chaos.load import NOON, facts, services
from tests.mesh.place import Place
from tests.simulation.at_rest import AT_THE_END
from tests.simulation.cluster import Cluster, Running
from tests.simulation.outcome import difference, outcome
from tests.simulation.play import CALM_EVERY, END_DAYS
from tests.simulation.watch import Broken, Watch, header
from tests.simulation.world import beginning

OUTSIDE = frozenset({"tekil.channel.v1", "tekil.operations.v1", "tekil.reference.v1"})
SERVICE_BY_SOURCE = {service.source: service.name for service in services()}


@dataclass(frozen=True, slots=True)
class Volume:
    """How much a round was about."""

    orders: int
    events: int
    entries: int
    told_again: int
    """Records of the world that came again."""
    published_again: int
    """Events and dead letters that a relay published again."""


async def judge(place: Place, seed: int) -> Volume:
    """Compare what a round left behind, at rest and after all deadlines. Raises Broken with the first difference."""
    expected = a_day_without_faults(seed)
    records = [_without_prefix(place, each) for each in await place.published(*(t.name for t in load().all_topics()))]
    found = await _poured(place, records, seed)
    for check in AT_THE_END:
        check(found)
    if differs := difference(outcome(expected), outcome(found)):
        raise Broken("the-outcome-is-that-of-a-day-without-faults", differs)
    see_that_the_last_word_is_the_latest(records)
    await _see_zero_drift(place)
    return _volume(found, records)


def a_day_without_faults(seed: int) -> Cluster:
    """Play the round's day on the simulation, each fact once, to the end of all deadlines."""
    cluster = Cluster(services(), Watch())
    cluster.clock.move_to(NOON)
    for told in beginning():
        cluster.tell(told)
    cluster.settle()
    for number, told in enumerate(facts(seed)):
        cluster.tell(told)
        if number % CALM_EVERY == 0:
            cluster.settle()
    cluster.settle()
    cluster.tick_all()
    cluster.pass_days(END_DAYS)
    return cluster


async def _poured(place: Place, records: Sequence[Outgoing], seed: int) -> Cluster:
    """Return a cluster that holds what the databases and topics hold."""
    cluster = Cluster(services(), Watch())
    watch = cluster.watch
    for told in (*beginning(), *facts(seed)):
        watch.was_told(told)
    watch.repetitions = Counter((header(each, "ce_id"), each.topic) for each in records if each.topic in OUTSIDE)
    for running in cluster.all:
        await _pour(place, running, watch)
    for service, record in _published_once(records):
        watch.committed(service, [Effects(outgoing=[record])])
        watch.published(record)
    return cluster


async def _pour(place: Place, running: Running, watch: Watch) -> None:
    """Pour in one service's database. Raises Broken where something is left that waits, or is due."""
    service = running.service
    for rows in service.rows:
        codec = service.codecs[rows.kind]
        values = [codec.to_value(row) for row in await place.fetch(service.name, f"SELECT * FROM {rows.name}")]  # noqa: S608
        if rows.append_only:
            running.store.journals[rows.kind] = values
            watch.committed(service.name, [Effects(appended={rows.kind: values})])
        else:
            running.store.rows[rows.kind] = {codec.key_of(value): value for value in values}
    for row in await place.fetch(service.name, "SELECT * FROM dead_letters"):
        letter = letterbox._letter(row)
        running.store.letters[letter.id] = KeptLetter(letter, row["state"], row["attempts"])
    for table in ("parked", "deadlines", "outbox"):
        if left := await place.value(service.name, f"SELECT count(*) FROM {table}"):  # noqa: S608
            raise Broken("everything-has-ended", f"{service.name}: {left} rows are left in {table}")


def _published_once(records: Iterable[Outgoing]) -> Iterable[tuple[str, Outgoing]]:
    """Yield what services published, by service; what a relay published again is left out, if it says the same."""
    first: dict[tuple[str, ...], bytes | None] = {}
    for record in records:
        if record.topic in OUTSIDE:
            continue
        identity = _identity(record)
        if identity not in first:
            first[identity] = record.value
            yield SERVICE_BY_SOURCE.get(header(record, "ce_source"), ""), record
        elif first[identity] != record.value:
            raise Broken("a-repetition-says-the-same", f"{identity}: {record.value!r}, and before {first[identity]!r}")


def see_that_the_last_word_is_the_latest(records: Iterable[Outgoing]) -> None:
    """Of a compacted topic the last record of a key stays: it must be no old one that was published again."""
    latest: dict[bytes | None, str] = {}
    last: dict[bytes | None, str] = {}
    seen: set[str] = set()
    for record in records:
        if record.topic == AvailabilityChanged.TOPIC:
            last[record.key] = event_id = header(record, "ce_id")
            if event_id not in seen:
                seen.add(event_id)
                latest[record.key] = event_id
    for key, event_id in last.items():
        if event_id != latest[key]:
            raise Broken("the-last-word-is-the-latest", f"{key!r} ends with {event_id}, which was published before")


async def _see_zero_drift(place: Place) -> None:
    connections = {name: await asyncpg.connect(url) for name, url in place.databases.items()}
    try:
        found = await reconcile(connections)
    finally:
        for connection in connections.values():
            await connection.close()
    if not found.is_zero_drift:
        raise Broken("reconcile", "; ".join(map(str, found.shown)))


def _volume(found: Cluster, records: Sequence[Outgoing]) -> Volume:
    watch = found.watch
    outside = [each for each in records if each.topic in OUTSIDE]
    inside = [each for each in records if each.topic not in OUTSIDE]
    return Volume(
        orders=sum(len(rows) for kind, rows in watch.stores["order"].rows.items() if kind.__name__ == "Order"),
        events=len(watch.written),
        entries=sum(len(values) for values in watch.stores["attribution"].journals.values()),
        told_again=len(outside) - len({_identity(each) for each in outside}),
        published_again=len(inside) - len({_identity(each) for each in inside}),
    )


def _identity(record: Outgoing) -> tuple[str, ...]:
    """An event is known by its source and id; a dead letter by an id of its own, and nobody tries one again here."""
    names = ("tekil_dlq_id",) if record.topic.endswith(".dlq") else ("ce_source", "ce_id")
    return record.topic, *(header(record, name) for name in names)


def _without_prefix(place: Place, record: ConsumerRecord) -> Outgoing:
    return Outgoing(record.topic.removeprefix(place.prefix), record.key, record.value, tuple(record.headers))
