"""Scenarios: what the world publishes, line by line, and what Tekil makes of it, simulated or on the real thing."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter, ValidationError

from services.mesh import Mesh
from shared.engine.message import Outgoing
from shared.engine.simulation import ManualClock, Simulation
from shared.events.event import Moment
from shared.events.structured import NotAnEvent, to_binary, to_structured
from shared.runtime.topics import load

STEPS_MAX = 1_000
"""Deadlines that one scenario may fire: a scenario that needs more does not end by itself."""
DEAD_LETTER_NOTES = ("service", "first_failed_at", "topic", "reason", "detail")
"""What a scenario shows of what was said about a dead letter."""
_MOMENT = TypeAdapter(Moment)

Envelope = dict[str, Any]
"""A CloudEvent in structured mode."""


class BadScenario(ValueError):
    """A scenario file that cannot be played; the message says file, line and why."""


class Machine(Protocol):
    """What a scenario is played on."""

    async def publish(self, record: Outgoing) -> None:
        """Put a record on the bus."""

    async def settle(self) -> list[Outgoing]:
        """Wait until nothing is on its way, and return what the services published since the last time."""

    async def fire(self) -> None:
        """Decide about what has fallen due."""

    async def next_time(self) -> datetime | None:
        """Return when something falls due next."""


class Simulated:
    """All services in memory."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def publish(self, record: Outgoing) -> None:
        """Put a record on the bus."""
        self._simulation.publish(record)

    async def settle(self) -> list[Outgoing]:
        """Deliver until nothing is on its way, and return what was published."""
        self._simulation.settle()
        return self._simulation.take_published()

    async def fire(self) -> None:
        """Decide about what has fallen due."""
        self._simulation.tick()

    async def next_time(self) -> datetime | None:
        """Return when something falls due next."""
        return self._simulation.next_time()


class Real:
    """A mesh on Kafka and PostgreSQL; what it publishes is read back from Kafka."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        outside = {"tekil.channel.v1", "tekil.operations.v1", "tekil.reference.v1"}
        self._topics = [topic.name for topic in load().all_topics() if topic.name not in outside]
        self._read: dict[TopicPartition, int] = {}

    async def begin(self) -> None:
        """Start reading at what is there now."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._mesh.bootstrap, enable_auto_commit=False)
        await self._consumer.start()
        self._read = await self._mesh.ends(self._topics)
        self._consumer.assign(list(self._read))
        for partition, at in self._read.items():
            self._consumer.seek(partition, at)

    async def end(self) -> None:
        """Stop reading."""
        await self._consumer.stop()

    async def publish(self, record: Outgoing) -> None:
        """Publish a record."""
        await self._mesh.publish(record)

    async def settle(self) -> list[Outgoing]:
        """Wait until nothing is on its way, and return what was published."""
        await self._mesh.settle()
        ends = await self._mesh.ends(self._topics)
        behind = [partition for partition, at in self._read.items() if at < ends[partition]]
        found = []
        while any(self._read[partition] < ends[partition] for partition in behind):
            for partition, records in (await self._consumer.getmany(*behind, timeout_ms=100)).items():
                self._read[partition] = records[-1].offset + 1
                found += records
        prefix = self._mesh.settings.topic_prefix
        return [Outgoing(r.topic.removeprefix(prefix), r.key, r.value, tuple(r.headers)) for r in found]

    async def fire(self) -> None:
        """Decide about what has fallen due."""
        for member in self._mesh.members:
            await member.tick()

    async def next_time(self) -> datetime | None:
        """Return when something falls due next."""
        return await self._mesh.next_time()


def read_scenario(paths: Iterable[Path]) -> list[Envelope]:
    """Return the events of scenario files, in the order of their lines; those that begin with # tell the story.

    Raises BadScenario.
    """
    events = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise BadScenario(f"{path} is not UTF-8 text") from None
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                try:
                    events.append(_event(line))
                except NotAnEvent as error:
                    raise BadScenario(f"{path}:{number}: {error}") from None
    return events


def _event(line: str) -> Envelope:
    try:
        event = json.loads(line)
    except json.JSONDecodeError as error:
        raise NotAnEvent(f"this is not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(event, dict):
        raise NotAnEvent("a line is one CloudEvent, a JSON object")
    to_binary(event)
    try:
        _MOMENT.validate_strings(event.get("time", ""))
    except ValidationError:
        raise NotAnEvent("every event needs a time, RFC 3339 with an offset") from None
    return event


async def play(
    events: Sequence[Envelope], machine: Machine, clock: ManualClock, *, until: datetime | None = None
) -> AsyncIterator[Envelope]:
    """Publish each event at its time, fire what falls due on the way and after, and yield what the services publish.

    With `until`, the clock stops there; without, it runs until nothing is pending any more.
    """
    for event in events:
        moment = _MOMENT.validate_strings(event["time"])
        async for published in _fire_until(machine, clock, moment):
            yield published
        clock.move_to(moment)
        await machine.publish(Outgoing(*to_binary(event)))
        for published in in_causal_order(await machine.settle()):
            yield published
    async for published in _fire_until(machine, clock, until):
        yield published


async def _fire_until(machine: Machine, clock: ManualClock, moment: datetime | None) -> AsyncIterator[Envelope]:
    for _ in range(STEPS_MAX):
        due = await machine.next_time()
        if due is None or (moment is not None and due > moment):
            return
        clock.move_to(due)
        await machine.fire()
        for published in in_causal_order(await machine.settle()):
            yield published
    raise BadScenario(f"it does not end: {STEPS_MAX} deadlines were fired")


def in_causal_order(records: Sequence[Outgoing]) -> list[Envelope]:
    """Return records as structured events, in the same order on every machine.

    Effects come after their causes, and the events of one key after those that a reader of their topic finds before.
    """
    shown = [(record, _shown(record)) for record in records]
    depths = _depths(shown)
    order = sorted(
        range(len(shown)),
        key=lambda at: (depths[at], shown[at][1]["source"], shown[at][0].topic, shown[at][0].key or b""),
    )
    return [shown[at][1] for at in order]


def _depths(shown: Sequence[tuple[Outgoing, Envelope]]) -> list[int]:
    """Return for each event how many of the events shown together must come before it, one after the other."""
    depths = [0] * len(shown)
    for _ in shown:
        by_id = {event["id"]: depth for (_, event), depth in zip(shown, depths, strict=True)}
        before: dict[tuple[str, bytes | None], int] = {}
        deeper = []
        for record, event in shown:
            stream = record.topic, record.key
            before[stream] = max(before.get(stream, 0), by_id.get(event.get("causationid"), -1) + 1)
            deeper.append(before[stream])
        if deeper == depths:
            break
        depths = deeper
    return depths


def _shown(record: Outgoing) -> Envelope:
    """Return a record as it is shown: an event as it is, a dead letter as what was said about it."""
    headers = dict(record.headers)
    if not record.topic.endswith(".dlq"):
        return to_structured(record.value, headers)
    notes = {name: (headers[f"tekil_dlq_{name}"] or b"").decode() for name in DEAD_LETTER_NOTES}
    event_id = (headers.get("ce_id") or b"").decode(errors="replace")
    return {
        "specversion": "1.0",
        "id": f"{event_id}:dead",
        "source": f"/tekil/{notes.pop('service')}",
        "type": "dead_letter",
        "time": notes.pop("first_failed_at").replace("+00:00", "Z"),
        "causationid": event_id,
        "subject": (record.key or b"").decode(errors="replace"),
        "data": notes,
    }
