"""Random histories: what people do, and between it the turns of a machine that fails, all drawn from one seed.

Swarm: each history has its own mix, in which many faults never happen at all and others happen all the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.simulation.people import People
from tests.simulation.steps import FAULTS, History, Move, Step, Turn

WEIGHTS = 0, 0, 1, 4
"""Of a fault, beside the weights of the moves of a machine that works."""
USUAL: dict[Move, int] = {"poll": 12, "relay": 10, "tick": 2, "go on after being held up": 2, "let time pass": 1}
HELD_UP = 3
"""So many times more than other faults: much has to happen before somebody goes on."""
COMMUTING = 0.3
"""The part of histories whose outcome does not depend on the order in which topics are read."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How often the machine moves in a history, and how."""

    weights: dict[Move, int]
    turns_max: int
    pump_percent: int
    rest_percent: int


def generate(seed: int) -> History:
    """Return the history of a seed."""
    random = Random(seed)
    commutes = random.random() < COMMUTING
    mix = _mix(random, commutes=commutes)
    facts = sorted(People(random, commutes=commutes).facts(), key=lambda fact: fact.at_s)
    steps: list[Step] = []
    awaited = sum(fact.stays for fact in facts)
    for fact in facts:
        awaited -= fact.stays
        steps.append(fact)
        steps += _turns(random, mix, may_rest=not awaited)
    return History(seed, tuple(steps), commutes)


def _mix(random: Random, *, commutes: bool) -> Mix:
    weights = dict(USUAL)
    for fault in FAULTS:
        weights[fault] = random.choice(WEIGHTS)
    for held_up in ("poll, and be held up before the commit", "tick, and be held up before the commit"):
        weights[held_up] *= HELD_UP
    weights["repair the bug, and retry its letters"] = weights["release a bug"]
    weights["go on after the pause"] = 2 * weights["read the outbox, and pause as another leads"]
    return Mix(
        weights=weights,
        turns_max=random.choice((2, 4, 8)),
        pump_percent=random.choice((0, 10, 30)),
        rest_percent=0 if commutes else random.choice((0, 0, 3)),
    )


def _turns(random: Random, mix: Mix, *, may_rest: bool) -> Iterator[Turn]:
    count = random.randint(0, mix.turns_max)
    for move in random.choices(tuple(mix.weights), tuple(mix.weights.values()), k=count):
        yield Turn(move, random.randrange(5), random.getrandbits(48))
    chance = random.randrange(100)
    if may_rest and chance < mix.rest_percent:
        yield Turn("rest for days", 0, random.getrandbits(16))
    elif chance < mix.rest_percent + mix.pump_percent:
        yield Turn("pump", 0, 0)
