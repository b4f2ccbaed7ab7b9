"""What goes wrong in a round and when, drawn from its seed. Nothing here touches a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from services.registry import NAMES

FOR_S: Mapping[str, tuple[float, float]] = {
    "member-killed": (0.0, 3.0),
    "leader-killed": (0.0, 3.0),
    "member-paused": (11.0, 13.0),  # Longer than Kafka's session timeout, 10 s.
    "leader-paused-and-replaced": (1.0, 7.0),  # From 5 s on it doubts its lead.
    "lead-taken": (0.5, 1.0),
    "member-joins-and-leaves": (3.0, 5.0),
    "group-reads-again": (0.0, 1.0),
    "publisher-killed": (0.5, 2.0),
    "broker-killed": (0.5, 3.0),
    "broker-restarted": (0.0, 1.0),
    "database-restarted": (0.2, 2.0),
    "connections-terminated": (0.5, 1.0),
    "kafka-cut": (1.0, 4.0),
    "kafka-stalled": (1.0, 5.0),
    "kafka-half-open": (2.0, 6.0),
    "database-cut": (1.0, 4.0),
    "database-stalled": (1.0, 5.0),
    "database-half-open": (2.0, 6.0),
    "database-read-only": (1.0, 3.0),
    "disk-full": (1.0, 4.0),
}
"""Every kind of fault, and how long it lasts: seconds, at least and at most."""
OF_PROCESSES, OF_SERVERS = tuple(FOR_S)[:8], tuple(FOR_S)[8:]
"""The two lanes: within one, a fault is over before the next begins; what happens in the other overlaps with it."""
PER_ROUND = 3, 4
"""Faults of a round, by lane."""
CYCLE = 3
"""So many rounds, from a seed that this divides, have every kind of fault at least once."""
PAUSE_S = 0.3, 2.0
"""Between two faults of a lane."""
RECOVERY_S = 3.0
"""What a server takes to come back, more or less: the load goes on for so much longer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong: so long after the one before, for so long. `roll` makes its choices."""

    kind: str
    after_s: float
    for_s: float
    roll: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A round. `groups` says which services share a process; each group runs in two processes."""

    seed: int
    groups: tuple[tuple[str, ...], ...]
    lanes: tuple[tuple[Fault, ...], ...]

    @property
    def load_s(self) -> float:
        """For how long the world has something to say: as long as things go wrong."""
        return max(sum(fault.after_s + fault.for_s + RECOVERY_S for fault in lane) for lane in self.lanes)


def plan(seed: int) -> Plan:
    """Return the round of a seed."""
    random = Random(seed)
    lanes = [_dealt(kinds, seed, count) for kinds, count in zip((OF_PROCESSES, OF_SERVERS), PER_ROUND, strict=True)]
    return Plan(seed, _groups(random), tuple(tuple(fault(kind, random) for kind in lane) for lane in lanes))


def fault(kind: str, random: Random) -> Fault:
    """Return a fault of a kind."""
    return Fault(kind, random.uniform(*PAUSE_S), random.uniform(*FOR_S[kind]), random.getrandbits(32))


def _dealt(kinds: Sequence[str], seed: int, count: int) -> list[str]:
    """Return the next kinds of a deck that is shuffled anew for each cycle of rounds."""
    cycle, turn = divmod(seed, CYCLE)
    deck = Random(f"{kinds[0]} {cycle}").sample(kinds, len(kinds))
    return [deck[(turn * count + number) % len(deck)] for number in range(count)]


def _groups(random: Random) -> tuple[tuple[str, ...], ...]:
    """Deal the services to one to five processes: who shares one dies together."""
    dealt = random.sample(NAMES, len(NAMES))
    cuts = sorted(random.sample(range(1, len(NAMES)), random.randrange(len(NAMES))))
    return tuple(tuple(dealt[start:end]) for start, end in pairwise((0, *cuts, len(NAMES))))
