"""`python -m tests.contract.story` plays the story of the samples on a simulation and records what Tekil says in it."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from services.attribution.service import attribution
from services.fulfilment.service import fulfilment
from services.inventory.service import inventory
from services.order.service import order
from services.returns.service import returns
from shared.engine.message import Outgoing
from shared.engine.simulation import ManualClock, Simulation
from shared.events.samples import STORY
from shared.events.structured import to_binary, to_structured

HOLD = timedelta(days=3)
PATIENCE = timedelta(days=1)
PICKUP_SECRET = b"the secret of the story"


class Storyteller:
    """Plays the world's lines; `told` are they and, after each, what the services say for the first time."""

    def __init__(self) -> None:
        services = (
            order(),
            inventory(hold_ttl=HOLD),
            fulfilment(pickup_secret=PICKUP_SECRET),
            returns(),
            attribution(),
        )
        self.told: list[str] = []
        self._clock = ManualClock()
        self._simulation = Simulation(services, self._clock, parked_max_age=PATIENCE)
        self._types: set[str] = set()

    def at(self, moment: datetime, lines: list[str]) -> None:
        """Publish at one moment: what is said together crosses on its way."""
        self.until(moment)
        self._clock.move_to(moment)
        for line in lines:
            self._simulation.publish(Outgoing(*to_binary(json.loads(line))))
        self._simulation.settle()
        self.told += lines
        self._listen()

    def until(self, end: datetime | None) -> None:
        """Let the time pass to a moment, or until nothing is pending any more."""
        while (due := self._simulation.next_time()) is not None and (end is None or due <= end):
            self._clock.move_to(due)
            self._simulation.tick()
            self._listen()

    def _listen(self) -> None:
        for record in self._simulation.take_published():
            assert not record.topic.endswith(".dlq"), f"the story has a dead letter: {record}"
            event = to_structured(record.value, dict(record.headers))
            if event["type"] not in self._types:
                self._types.add(event["type"])
                self.told.append(json.dumps(event, ensure_ascii=False))


def tell(lines: list[str]) -> list[str]:
    """Return the story anew: comments and the world's lines as they are, the services' as they say them today."""
    teller = Storyteller()
    for moment, together in groupby(_world(lines), key=_time):
        if moment is None:
            teller.told += together
        else:
            teller.at(moment, list(together))
    teller.until(None)
    return teller.told


def _world(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("#") or not json.loads(line)["source"].startswith("/tekil/"):
            yield line


def _time(line: str) -> datetime | None:
    return None if line.startswith("#") else datetime.fromisoformat(json.loads(line)["time"])


if __name__ == "__main__":
    STORY.write_text("\n".join([*tell(STORY.read_text("utf-8").splitlines()), ""]), encoding="utf-8")
