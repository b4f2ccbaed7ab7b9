"""The people of the replay: store staff who pick and hand over, customers who come, call off or stay away.

They answer what fulfilment publishes, and nothing else: pure, from the event, when the order was bought, and chance.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.replay.habits import Chance, Habits
from services.replay.purchase import associates
from services.replay.said import Said
from shared.events.channel import OrderCancellationRequested
from shared.events.event import Event, LineQuantity
from shared.events.fulfilment import FulfilmentCreated, ReadyForPickup
from shared.events.operations import PickCompleted, PickedLine, PickupHandedOver

CALLS_OFF_AFTER_MIN = 10
PICKS_AFTER_MIN = (20, 90)
COMES_AFTER_MIN = (180, 1_800)
GOES_ON_AFTER = timedelta(minutes=5)
"""Between a wrong code and the right one, and between the two visits of whoever comes twice."""
WRONG_CODE = "NOT-THE-CODE"
"""Longer than any code, so it is nobody's."""


@dataclass(frozen=True, slots=True)
class People:
    """Those who act on an order, by chance and habit."""

    chance: Chance
    habits: Habits

    def on_created(self, task: FulfilmentCreated, bought_at: datetime) -> Said:
        """Pick what is asked for, unless the customer calls it off before."""
        order_id, where = task.order_id, task.location_id
        if self.chance.happens(self.habits.calls_off_early, "calls off early", order_id):
            return _calls_off(order_id, bought_at + timedelta(minutes=CALLS_OFF_AFTER_MIN))
        missed = None
        if self.chance.happens(self.habits.short_on_shelf, "short", order_id):
            missed = self.chance.among(task.lines, "missed", order_id).line_id
        lines = tuple(
            PickedLine(
                line_id=line.line_id,
                picked_quantity=line.quantity - (line.line_id == missed),
                short_quantity=int(line.line_id == missed),
            )
            for line in task.lines
        )
        picked = PickCompleted(
            order_id=order_id, location_id=where, lines=lines, associate_id=self._somebody(where, "picks", order_id)
        )
        return _in_store(picked, where, bought_at + self._between(PICKS_AFTER_MIN, "picked", order_id))

    def on_ready(self, ready: ReadyForPickup, bought_at: datetime) -> tuple[Said, ...]:
        """Come for what waits, with detours; call it off, or never come."""
        order_id = ready.order_id
        at = bought_at + self._between(COMES_AFTER_MIN, "comes", order_id)
        if self.chance.happens(self.habits.calls_off_late, "calls off late", order_id):
            return (_calls_off(order_id, at),)
        if self.chance.happens(self.habits.never_comes, "never comes", order_id):
            return ()
        visits = [self._shows(ready, ready.pickup_code)]
        if self.chance.happens(self.habits.comes_twice, "comes twice", order_id) and _pieces(ready) > 1:
            one_piece = LineQuantity(line_id=ready.lines[0].line_id, quantity=1)
            visits.insert(0, self._shows(ready, ready.pickup_code, one_piece))
        if self.chance.happens(self.habits.wrong_code, "wrong code", order_id):
            visits.insert(0, self._shows(ready, WRONG_CODE))
        return tuple(
            _in_store(visit, ready.location_id, at + number * GOES_ON_AFTER) for number, visit in enumerate(visits)
        )

    def _shows(self, ready: ReadyForPickup, code: str, *lines: LineQuantity) -> PickupHandedOver:
        someone_else = self.chance.happens(self.habits.sends_someone, "sends someone", ready.order_id)
        collected_by: Literal["customer", "someone_else"] = "someone_else" if someone_else else "customer"
        return PickupHandedOver(
            order_id=ready.order_id,
            location_id=ready.location_id,
            code=code,
            collected_by=collected_by,
            lines=lines,
            associate_id=self._somebody(ready.location_id, "hands over", ready.order_id),
        )

    def _somebody(self, location_id: str, *about: str) -> str:
        return self.chance.among(associates(location_id, self.chance), *about)

    def _between(self, minutes: tuple[int, int], *about: str) -> timedelta:
        first, last = minutes
        return timedelta(minutes=first + self.chance.below(last - first, *about))


def _calls_off(order_id: str, at: datetime) -> Said:
    return Said(OrderCancellationRequested(order_id=order_id, channel="web"), "/replay/web", at)


def _in_store(event: Event, location_id: str, at: datetime) -> Said:
    return Said(event, f"/replay/handheld/{location_id.removeprefix('store-')}", at)


def _pieces(ready: ReadyForPickup) -> int:
    return sum(line.quantity for line in ready.lines)
