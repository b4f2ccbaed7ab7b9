"""A bus as Kafka is one: topics of partitions, groups of members, positions that are lost and committed ones that stay.

Within a partition records stay in order, always. Everything else is up to who polls when.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

from shared.engine.message import Outgoing, Raw

PARTITIONS = 2
Place = tuple[str, int]
"""A partition of a topic."""


@dataclass
class Dice:
    """Choices out of one number, so that a choice stays what it is whatever happened before it."""

    roll: int

    def below(self, limit: int) -> int:
        """Return a number from 0 to one below the limit."""
        self.roll, chosen = divmod(self.roll, limit)
        return chosen


class Bus:
    """What was published, by topic and partition."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.logs: dict[Place, list[Raw]] = {(topic, number): [] for topic in topics for number in range(PARTITIONS)}

    def publish(self, record: Outgoing, now_ms: int) -> Raw | None:
        """Append a record to the partition of its key; what no service reads is only returned as None."""
        place = place_of(record)
        log = self.logs.get(place)
        if log is None:
            return None
        raw = Raw(record.topic, place[1], len(log), now_ms, record.key, record.value, record.headers)
        log.append(raw)
        return raw


def place_of(record: Outgoing) -> Place:
    """Return where a record belongs."""
    return record.topic, crc32(record.key or b"") % PARTITIONS


class Group:
    """The members of one service, and how far they have read."""

    def __init__(self, bus: Bus, topics: Sequence[str], members: int) -> None:
        self._bus, self._members = bus, members
        places = [place for place in bus.logs if place[0] in topics]
        self.owner = {place: number % members for number, place in enumerate(places)}
        self.position = dict.fromkeys(places, 0)
        self.committed = dict.fromkeys(places, 0)

    def poll(self, member: int, dice: Dice, *, limit: int) -> list[Raw]:
        """Return what a member reads next: from some of its partitions, of each the oldest records first."""
        mine = [place for place in self.position if self.owner[place] == member and self._ends_after(place)]
        records: list[Raw] = []
        while mine and len(records) < limit:
            place = mine.pop(dice.below(len(mine)))
            at = self.position[place]
            taken = self._bus.logs[place][at : at + 1 + dice.below(limit - len(records))]
            self.position[place] = at + len(taken)
            records += taken
        return records

    def lags(self, member: int | None = None) -> bool:
        """Say whether a member, or with None any, has something to read."""
        return any(self._ends_after(place) for place, owner in self.owner.items() if member in (None, owner))

    def poll_all(self, *, but: Collection[int]) -> list[Raw]:
        """Return everything that nobody has read, save what belongs to these members."""
        records: list[Raw] = []
        for place, at in self.position.items():
            log = self._bus.logs[place]
            if len(log) > at and self.owner[place] not in but:
                records += log[at:]
                self.position[place] = len(log)
        return records

    def commit(self, member: int | None, records: Sequence[Raw]) -> None:
        """Commit the offsets after these records, of partitions that the member still has; None has them all."""
        for record in records:
            place = record.topic, record.partition
            if member is None or self.owner[place] == member:
                self.committed[place] = record.offset + 1

    def forget(self, member: int) -> None:
        """Let a member die: whoever goes on begins at what was committed."""
        for place, owner in self.owner.items():
            if owner == member:
                self.position[place] = self.committed[place]

    def rebalance(self, dice: Dice) -> None:
        """Give partitions to other members, who begin at what was committed."""
        for place in self.owner:
            if dice.below(2):
                self.owner[place] = (self.owner[place] + 1) % self._members
                self.position[place] = self.committed[place]

    def rewind(self, dice: Dice) -> None:
        """Set a partition back to an earlier offset, as a person does who wants to be sure."""
        place = list(self.committed)[dice.below(len(self.committed))]
        self.committed[place] = self.position[place] = dice.below(self.committed[place] + 1)

    def _ends_after(self, place: Place) -> bool:
        return len(self._bus.logs[place]) > self.position[place]
