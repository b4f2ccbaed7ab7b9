"""What the world tells in a round: the simulation's people on a day that commutes, and many of them.

On such a day stock is plenty and nobody cancels, counts or locks a task, so that what becomes of it does not depend on
who comes first. All is a function of the seed: every process that has a part in it draws it for itself.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from services.registry import all_services
from shared.engine.message import Outgoing
from shared.engine.service import Service
from shared.events import channel
from shared.runtime.settings import Settings
from tests.simulation.people import DAY_S, People
from tests.simulation.world import CODES, DAWN, Told, beginning, latecomers, told

ORDERS, SALES, STOCK_FACTS = 120, 40, 8
AGAIN = 0.2
"""Of the facts, how many are told once more by a publisher that is not sure."""
SOON = 40
"""How far back that fact lies, at most."""
NOON = DAWN + timedelta(seconds=2 * DAY_S)
"""What every clock says while the world tells: it moves when all has come to rest."""
Part = Literal["beginning", "web", "stores"]
"""What is there before the doors open; what the shop and the tills tell; what handhelds and master data tell."""


class Crowd(People):
    """As many people as a round needs."""

    def facts(self) -> Iterator[Told]:
        """Yield everything, in any order."""
        random = self._random
        yield from latecomers(at_s=(random.randrange(DAY_S), random.randrange(DAY_S)))
        for number in range(ORDERS):
            yield from self._order(f"order-{number}")
        for number in range(SALES):
            yield from self._sale(f"sale-{number}")
        for number in range(STOCK_FACTS):
            yield told(self._stock_fact(), f"stock-{number}", at_s=random.randrange(DAY_S))
        yield self._garbage()
        yield self._contradiction()


def services() -> tuple[Service, ...]:
    """Return the five services, with the pickup codes that these people show."""
    return all_services(Settings(pickup_secret=CODES.secret.decode()))


def clock() -> datetime:
    """Return what a clock says that nobody has moved."""
    return NOON


def facts(seed: int) -> list[Told]:
    """Return what a round's world tells, each fact once, in the order of the day."""
    return sorted(Crowd(Random(seed), commutes=True).facts(), key=lambda fact: fact.at_s)


def told_by(part: Part, seed: int) -> Sequence[Outgoing]:
    """Return what a publisher tells, in its order, some of it again: never before it was told first."""
    if part == "beginning":
        return [each.record for each in beginning()]
    ours = [each.record for each in facts(seed) if (each.record.topic == channel.TOPIC) == (part == "web")]
    random = Random(f"{part} {seed}")
    told: list[Outgoing] = []
    for number, record in enumerate(ours):
        told.append(record)
        if random.random() < AGAIN:
            told.append(ours[random.randint(max(0, number - SOON), number)])
    return told
