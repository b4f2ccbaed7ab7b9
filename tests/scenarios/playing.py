"""Playing the scenario files, and telling how what was published differs from what is expected."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

from services.scenario import Envelope, Machine, play, read_scenario
from shared.engine.message import Outgoing
from shared.engine.simulation import ManualClock
from shared.events.structured import to_binary

HERE = Path(__file__).parent
WORLD = HERE / "world.jsonl"
EXPECTED = ".expected.jsonl"
NAMES = sorted({path.name.partition(".")[0] for path in HERE.glob("*.jsonl")} - {WORLD.stem})


def scenario(name: str) -> list[Envelope]:
    """Return what the world publishes in a scenario."""
    return read_scenario([scenario_file(name)])


def expected(name: str) -> list[Envelope]:
    """Return what the services are expected to publish because of it."""
    return [json.loads(line) for line in expected_file(name).read_text(encoding="utf-8").splitlines()]


def scenario_file(name: str) -> Path:
    """Return where a scenario is told."""
    return HERE / f"{name}.jsonl"


def expected_file(name: str) -> Path:
    """Return where is kept what is expected of it."""
    return HERE / f"{name}{EXPECTED}"


async def caused_by(
    events: Sequence[Envelope], machine: Machine, clock: ManualClock, *, until: datetime | None = None
) -> list[Envelope]:
    """Return what the services publish because of these events, when the world was described before them.

    Where a scenario speaks as a service itself, a real bus shows that, too: it is left out.
    """
    world, told = read_scenario([WORLD]), {event.get("id") for event in events}
    clock.move_to(datetime.fromisoformat(world[-1]["time"]))
    await asyncio.gather(*(machine.publish(Outgoing(*to_binary(event))) for event in world))
    await machine.settle()
    return [event async for event in play(events, machine, clock, until=until) if event["id"] not in told]


def line_of(event: Envelope) -> str:
    """Return an event as `tekil play` prints it."""
    return json.dumps(event, ensure_ascii=False)


def difference(expected: Sequence[Envelope], published: Sequence[Envelope]) -> str:
    """Return what differs, field by field and with what stands around it; nothing where nothing does."""
    return "\n".join(unified_diff(_fields(expected), _fields(published), "expected", "published", lineterm=""))


def _fields(events: Sequence[Envelope]) -> list[str]:
    return [line for event in events for line in json.dumps(event, ensure_ascii=False, indent=1).splitlines()]
