"""The replay's own account: what became of every line that was read and of every order that was sent.

It hears only what Tekil publishes, as any other reader of the bus would. Nothing leaves it uncounted: at any time the
fates of lines sum to the lines that were read, and those of orders to the orders that were sent.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from services.replay.dataset import Basket
from services.replay.purchase import Purchase

Channel = Literal["till", "web", "none"]
Outcome = Literal["completed", "cancelled", "rejected", "waiting", "not_sent"]
REFUSALS = frozenset({"pick.refused", "handover.refused", "cancellation.refused", "submission.refused"})
STAGES = ("not-answered", "not-reserved", "not-picked", "not-collected")
"""What an order waits for, in the order in which that comes."""
_REACHED = {"order.placed": 1, "order.confirmed": 2, "fulfilment.ready_for_pickup": 3}


class Fate(NamedTuple):
    """What became of a line or an order: where it was sent, how that ended, and why unless it ended well."""

    channel: Channel
    outcome: Outcome
    why: str = ""
    """The slug of a reason."""


@dataclass(slots=True)
class _Open:
    """An order that may still change."""

    bought_at: datetime
    channel: Channel
    left: dict[str, int]
    """Pieces by line that are not cancelled."""
    stage: int = 0
    cancelled: str = ""
    """Why pieces of it were cancelled last."""
    fates: list[Fate] = field(default_factory=list)
    """Of the lines that are cancelled as a whole."""


class Ledger:
    """Counts what is read, sent and heard."""

    def __init__(self) -> None:
        self.baskets_read = self.orders_sent = 0
        self.refusals = Counter[tuple[str, str]]()
        """Business "no"s by event type and reason."""
        self.dead_letters = Counter[str]()
        self._line_fates, self._order_fates = Counter[Fate](), Counter[Fate]()
        self._open: dict[str, _Open] = {}

    @property
    def settled(self) -> int:
        """Orders that nothing more will happen to."""
        return self._order_fates.total()

    def line_fates(self) -> dict[Fate, int]:
        """Return how many of the lines read met which fate; those of open orders wait."""
        fates = Counter(self._line_fates)
        for order in self._open.values():
            fates.update(order.fates)
            fates[_waiting(order)] += len(order.left)
        return dict(+fates)

    def order_fates(self) -> dict[Fate, int]:
        """Return how many of the orders sent met which fate."""
        return dict(self._order_fates + Counter(_waiting(order) for order in self._open.values()))

    def bought_at(self, order_id: str) -> datetime | None:
        """Return when an open order of ours was bought; None for any other."""
        order = self._open.get(order_id)
        return order.bought_at if order else None

    def read(self, basket: Basket) -> None:
        """Count a basket and those of its lines that cannot be a sale."""
        self.baskets_read += 1
        self._line_fates.update(Fate("none", "not_sent", line.flaw) for line in basket.lines if line.flaw)

    def sent(self, purchase: Purchase) -> None:
        """Open the account of an order."""
        event = purchase.event
        self.orders_sent += 1
        left = {line.line_id: line.quantity for line in event.lines}
        channel: Channel = "web" if purchase.on_web else "till"
        self._open[event.order_id] = _Open(purchase.basket.bought_at, channel, left)

    def heard(self, kind: str, order_id: str, value: bytes) -> None:
        """Take what Tekil says of an order into account; what is not one of ours is somebody else's."""
        order = self._open.get(order_id)
        if kind in REFUSALS:
            self.refusals[kind, json.loads(value)["reason"]["slug"]] += 1
        if order is None:
            return
        match kind:
            case "order.placed" | "order.confirmed" | "fulfilment.ready_for_pickup":
                order.stage = max(order.stage, _REACHED[kind])
            case "order.line_cancelled":
                _cancel(order, json.loads(value))
            case "order.rejected":
                self._close(order_id, "rejected", json.loads(value)["reasons"][0]["slug"])
            case "order.cancelled":
                self._close(order_id, "cancelled", order.cancelled)
            case "order.completed":
                self._close(order_id, "completed")

    def heard_dead_letter(self, reason: str) -> None:
        """Count a record that a service set aside."""
        self.dead_letters[reason] += 1

    def _close(self, order_id: str, outcome: Outcome, why: str = "") -> None:
        order = self._open.pop(order_id)
        fate = Fate(order.channel, outcome, why)
        self._order_fates[fate] += 1
        self._line_fates.update(order.fates)
        self._line_fates[fate] += len(order.left)


def _cancel(order: _Open, told: Mapping[str, Any]) -> None:
    """Take cancelled pieces off; a line of which none is left has met its fate."""
    order.cancelled = told["reason"]["slug"]
    line_id = told["line_id"]
    order.left[line_id] -= told["quantity"]
    if not order.left[line_id]:
        del order.left[line_id]
        order.fates.append(Fate(order.channel, "cancelled", order.cancelled))


def _waiting(order: _Open) -> Fate:
    return Fate(order.channel, "waiting", STAGES[order.stage])
