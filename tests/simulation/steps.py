"""What a history is made of: what the world tells, and turns of the machine, good and bad.

A step carries its own choices, so that any part of a history is a history too: that is what lets a failing one shrink.
"""

from dataclasses import dataclass
from typing import Literal

from services.registry import NAMES
from tests.simulation.world import Told

Move = Literal[
    "poll",
    "poll, die before the database commits",
    "poll, die before the offsets are committed",
    "poll, fail to commit offsets",
    "poll, and be held up before the commit",
    "tick",
    "tick, and be held up before the commit",
    "go on after being held up",
    "die while held up",
    "relay",
    "relay to some partitions",
    "relay, die before deleting",
    "read the outbox, and pause as another leads",
    "go on after the pause",
    "rebalance",
    "rewind a partition",
    "set a member's clock wrong",
    "let time pass",
    "repeat something told",
    "release a bug",
    "repair the bug, and retry its letters",
    "retry all letters",
    "pump",
    "rest for days",
]
MOVES: dict[Move, str] = {
    "poll": "poll",
    "poll, die before the database commits": "die_before_commit",
    "poll, die before the offsets are committed": "die_after_commit",
    "poll, fail to commit offsets": "fail_to_commit_offsets",
    "poll, and be held up before the commit": "poll_and_hold",
    "tick": "tick",
    "tick, and be held up before the commit": "tick_and_hold",
    "go on after being held up": "go_on",
    "die while held up": "die_held_up",
    "relay": "relay",
    "relay to some partitions": "relay_in_part",
    "relay, die before deleting": "relay_and_die",
    "read the outbox, and pause as another leads": "read_and_pause",
    "go on after the pause": "relay_late",
    "rebalance": "rebalance",
    "rewind a partition": "rewind",
    "set a member's clock wrong": "set_wrong",
    "let time pass": "let_pass",
    "repeat something told": "repeat",
    "release a bug": "release_bug",
    "repair the bug, and retry its letters": "repair",
    "retry all letters": "retry_all",
    "pump": "pump",
    "rest for days": "rest",
}
"""The method of a cluster that makes a move, by name: planted bugs replace methods."""
FAULTS: tuple[Move, ...] = (
    "poll, die before the database commits",
    "poll, die before the offsets are committed",
    "poll, fail to commit offsets",
    "poll, and be held up before the commit",
    "tick, and be held up before the commit",
    "die while held up",
    "relay to some partitions",
    "relay, die before deleting",
    "read the outbox, and pause as another leads",
    "rebalance",
    "rewind a partition",
    "set a member's clock wrong",
    "repeat something told",
    "release a bug",
    "retry all letters",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A move of the machine; the roll makes its choices, and the service is the one whose move it is."""

    move: Move
    service: int
    roll: int

    @property
    def text(self) -> str:
        """The move in words."""
        return f"{NAMES[self.service]}, or the next that can: {self.move} ({self.roll})"


Step = Told | Turn


@dataclass(frozen=True, slots=True)
class History:
    """Steps under a seed. `commutes` says that its outcome does not depend on the order in which topics are read."""

    seed: int
    steps: tuple[Step, ...]
    commutes: bool = False
