"""What fulfilment keeps: where and when stores are open, and what each store has still to do for an order."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Literal

from shared.events.fulfilment import SettledLine, TaskLine
from shared.events.reference import Weekday
from shared.kernel.value import Value, replace

Bucket = Literal["to_pick", "picked", "collected", "short", "cancelled", "expired"]
"""Where a piece is. It is to be picked, or short, or picked; what is picked is collected or expires; and what is
neither short nor collected can be cancelled."""
Status = Literal["picking", "ready", "closed"]
WRONG_CODES_MAX = 5
"""After so many wrong codes a till gets nothing for a while; others do, so that no till locks out a whole store."""


class OpenInterval(Value):
    """A stretch of a weekday in which a location is open, in its local time."""

    day: Weekday
    opens: time
    closes: time


class Location(Value):
    """A location's calendar. Without opening hours it is always open, save on the days on which it is closed."""

    location_id: str
    time_zone: str
    opening_hours: tuple[OpenInterval, ...] = ()
    closed_on: tuple[date, ...] = ()


class Line(Value):
    """The pieces of an order line that a store was asked for, by where they are now."""

    line_id: str
    sku: str
    quantity: int
    to_pick: int
    picked: int = 0
    collected: int = 0
    short: int = 0
    cancelled: int = 0
    expired: int = 0

    def __post_init__(self) -> None:
        pieces = self.to_pick, self.picked, self.collected, self.short, self.cancelled, self.expired
        assert min(pieces) >= 0, f"line {self.line_id} has less than nothing in a bucket: {pieces}"
        assert sum(pieces) == self.quantity > 0, f"line {self.line_id} lost or gained pieces: {pieces}"

    def count(self, bucket: Bucket) -> int:
        """Return how many pieces are in a bucket."""
        count: int = getattr(self, bucket)
        return count

    def moved(self, quantity: int, *, source: Bucket, target: Bucket) -> "Line":
        """Return the line with these pieces in another bucket."""
        changed: dict[str, Any] = {
            source: self.count(source) - quantity,
            target: self.count(target) + quantity,
        }
        return replace(self, **changed)


class Guesses(Value):
    """Wrong codes that one till or handheld showed, by the CloudEvents source that it publishes as."""

    source: str
    wrong_codes: int
    until: datetime
    """When they are forgotten."""

    @property
    def locked(self) -> bool:
        """Whether they were too many."""
        return self.wrong_codes >= WRONG_CODES_MAX


class Task(Value):
    """What one store does for an order: it picks until nothing is to pick, then hands over what it picked."""

    location_id: str
    lines: tuple[Line, ...]
    pick_by: datetime
    pickup_by: datetime | None = None
    """Until when the pieces wait for the customer; set once, when they became ready."""
    picked_at: datetime | None = None
    """When something of it was picked last, by the handhelds: nothing is handed over before."""
    guesses: tuple[Guesses, ...] = ()
    """Who showed wrong codes lately."""

    def __post_init__(self) -> None:
        assert len({line.line_id for line in self.lines}) == len(self.lines) > 0, "a line is in a task once"
        assert self.pickup_by is None or not self.count("to_pick"), "nothing is to pick once a task is ready"

    @property
    def status(self) -> Status:
        """Return `picking`, then `ready` while pieces wait for the customer, and `closed` when none are left."""
        if self.pickup_by is None and self.count("to_pick"):
            return "picking"
        return "ready" if self.count("picked") else "closed"

    @property
    def locked_until(self) -> datetime | None:
        """Until when some till gets nothing; it may have passed."""
        return max((each.until for each in self.guesses if each.locked), default=None)

    def count(self, bucket: Bucket) -> int:
        """Return how many pieces of all lines are in a bucket."""
        return sum(line.count(bucket) for line in self.lines)

    def pieces(self, bucket: Bucket) -> dict[str, int]:
        """Return the quantity in a bucket by line id, without the lines that have none there."""
        return {line.line_id: line.count(bucket) for line in self.lines if line.count(bucket)}

    def moved(self, quantities: Mapping[str, int], *, source: Bucket, target: Bucket) -> "Task":
        """Return the task with these quantities, by line id, in another bucket."""
        lines = tuple(
            line.moved(quantity, source=source, target=target)
            if (quantity := quantities.get(line.line_id, 0))
            else line
            for line in self.lines
        )
        return replace(self, lines=lines)

    def task_lines(self, quantities: Mapping[str, int]) -> tuple[TaskLine, ...]:
        """Return these quantities, by line id, as an event tells them: in the task's order, without nothings."""
        return tuple(
            TaskLine(line_id=line.line_id, sku=line.sku, quantity=quantity)
            for line in self.lines
            if (quantity := quantities.get(line.line_id, 0))
        )


class Fulfilment(Value):
    """The tasks of an order, one a store."""

    order_id: str
    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        assert len({task.location_id for task in self.tasks}) == len(self.tasks) > 0, "a store has one task of an order"

    def task_at(self, location_id: str) -> Task | None:
        """Return the task of a store, or None."""
        return next((task for task in self.tasks if task.location_id == location_id), None)

    def with_task(self, changed: Task) -> "Fulfilment":
        """Return the fulfilment with a store's task replaced."""
        tasks = tuple(changed if task.location_id == changed.location_id else task for task in self.tasks)
        return replace(self, tasks=tasks)

    def settled_lines(self, location_id: str, quantities: Mapping[str, int], bucket: Bucket) -> tuple[SettledLine, ...]:
        """Return quantities of a store's task, by line id, that came to a bucket for good, as an event tells them."""
        so_far = Counter[str]()
        for task in self.tasks:
            so_far.update(task.pieces(bucket))
        settling = self.task_at(location_id)
        assert settling is not None, "only a store with a task settles anything"
        return tuple(
            SettledLine(
                line_id=line.line_id, sku=line.sku, quantity=line.quantity, so_far_quantity=so_far[line.line_id]
            )
            for line in settling.task_lines(quantities)
        )

    @property
    def open_at(self) -> tuple[str, ...]:
        """The locations that have something to do for the order: stored, so that a store's tasks are found."""
        return tuple(task.location_id for task in self.tasks if task.status != "closed")

    @property
    def quantity(self) -> int:
        """How many pieces the stores were asked for: the sum of the buckets below."""
        return sum(line.quantity for task in self.tasks for line in task.lines)

    @property
    def to_pick(self) -> int:
        """How many pieces are to be picked."""
        return self._count("to_pick")

    @property
    def picked(self) -> int:
        """How many pieces are picked and wait."""
        return self._count("picked")

    @property
    def collected(self) -> int:
        """How many pieces were handed over."""
        return self._count("collected")

    @property
    def short(self) -> int:
        """How many pieces were not on the shelf."""
        return self._count("short")

    @property
    def cancelled(self) -> int:
        """How many pieces were cancelled."""
        return self._count("cancelled")

    @property
    def expired(self) -> int:
        """How many pieces nobody came for."""
        return self._count("expired")

    def _count(self, bucket: Bucket) -> int:
        return sum(task.count(bucket) for task in self.tasks)
