"""The two deadlines of a task: to pick its pieces, and to collect them."""

from datetime import datetime, timedelta
from typing import Protocol

from shared.kernel.decision import Deadline

PICK = "pick"
PICKUP = "pickup"
PICK_TIME = timedelta(hours=2)
"""Open time that a store has to pick."""
PICKUP_DAYS = 7
"""Open days on which the pieces wait, after the day on which they became ready."""


class Due(Protocol):
    """A deadline of a task that has passed."""

    @property
    def key(self) -> str:
        """The order and the location, as `order|location`; no id has a `|` in it."""


def pick_deadline(order_id: str, location_id: str, due_at: datetime | None) -> Deadline:
    """Set, or with None clear, the time by which a store is to have picked."""
    return Deadline(PICK, f"{order_id}|{location_id}", due_at)


def pickup_deadline(order_id: str, location_id: str, due_at: datetime | None) -> Deadline:
    """Set, or with None clear, the time by which somebody is to have come."""
    return Deadline(PICKUP, f"{order_id}|{location_id}", due_at)


def order_of(due: Due) -> str:
    """Return the order that a deadline is about."""
    return due.key.partition("|")[0]


def location_of(due: Due) -> str:
    """Return the location that a deadline is about."""
    return due.key.partition("|")[2]
