"""One order in two stores, and words to speak of it."""

from datetime import UTC, datetime, time
from typing import get_args

from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.state import Fulfilment, Guesses, Line, Location, OpenInterval, Task
from shared.events.event import Reason
from shared.events.fulfilment import SettledLine, TaskLine
from shared.events.reference import Weekday
from shared.kernel.decision import Given

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday, 12:00 in Istanbul."""
PICK_BY = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
PICKUP_BY = datetime(2026, 3, 9, 19, 0, tzinfo=UTC)
"""Closing time of the next Monday."""
HAPPENED = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
"""By the handheld, which was offline since Sunday."""
CODES = PickupCodes(b"a secret of the test")
EVERY_DAY: tuple[Weekday, ...] = get_args(Weekday)


def given(now: datetime = NOW, *, at: datetime = HAPPENED, source: str = "/handheld") -> Given:
    return Given(now=now, occurred_at=at, source=source, message_id="msg-1", service="fulfilment")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(spans: str, days: tuple[Weekday, ...] = EVERY_DAY) -> tuple[OpenInterval, ...]:
    """Read opening hours such as "10:00-13:00 14:00-18:00"."""
    pairs = [span.split("-") for span in spans.split()]
    return tuple(
        OpenInterval(day, time.fromisoformat(opens), time.fromisoformat(closes))
        for day in days
        for opens, closes in pairs
    )


GALATA = Location("galata", "Europe/Istanbul", hours("10:00-22:00"))
KADIKOY = Location("kadikoy", "Europe/Istanbul", hours("10:00-22:00"))


def line(
    line_id: str,
    *,
    to_pick: int = 0,
    picked: int = 0,
    collected: int = 0,
    short: int = 0,
    cancelled: int = 0,
    expired: int = 0,
) -> Line:
    quantity = to_pick + picked + collected + short + cancelled + expired
    return Line(line_id, f"sku-of-{line_id}", quantity, to_pick, picked, collected, short, cancelled, expired)


def picking(*lines: Line) -> Task:
    return Task("galata", lines, PICK_BY)


def waiting(*lines: Line, guesses: tuple[Guesses, ...] = (), picked_at: datetime | None = None) -> Task:
    """Return a task whose pieces became ready, and perhaps have gone since."""
    return Task("galata", lines, PICK_BY, PICKUP_BY, picked_at, guesses)


def order(*tasks: Task) -> Fulfilment:
    return Fulfilment("order-1", tasks)


def pieces(**quantities: int) -> tuple[TaskLine, ...]:
    return tuple(
        TaskLine(line_id=line_id, sku=f"sku-of-{line_id}", quantity=quantity)
        for line_id, quantity in quantities.items()
    )


def settled(*, before: int = 0, **quantities: int) -> tuple[SettledLine, ...]:
    """Return pieces that are settled for good, of lines of which as many were settled before."""
    return tuple(
        SettledLine(line_id=line_id, sku=f"sku-of-{line_id}", quantity=quantity, so_far_quantity=before + quantity)
        for line_id, quantity in quantities.items()
    )


def because(slug: str, sentence: str, line_id: str | None = None) -> Reason:
    return Reason(slug=slug, sentence=sentence, line_id=line_id)
