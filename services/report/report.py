"""The report of a replay: what was played, what became of it, what the books say, and proof that they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from services.attribution import store as attribution
from services.attribution.store import DayTotal, FlowTotal, RoleCredit, Total
from services.reconcile import Reconciliation, reconcile
from services.replay.ledger import Channel, Fate, Outcome
from services.replay.purchase import CURRENCY
from services.replay.replay import Played

DATA_SET = "The Complete Journey"
Booked = TypeVar("Booked", DayTotal, FlowTotal, RoleCredit, Total)


@dataclass(frozen=True, slots=True)
class Counted:
    """So many lines, or orders, met this fate."""

    channel: Channel
    outcome: Outcome
    why: str
    count: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """So many business "no"s of one event type, for one reason."""

    event: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How long it took, from the first word to the last answer."""

    elapsed_s: float
    orders_per_s: float
    lines_per_s: float
    messages_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A replay and its books. Amounts are minor units of `currency`; what is booked in another is not in it."""

    data_set: str
    seed: int
    baskets: int
    lines: tuple[Counted, ...]
    """Every line that was read, by what became of it."""
    orders: tuple[Counted, ...]
    """Every order that was sent, by what became of it."""
    refusals: tuple[Refusals, ...]
    dead_letters: Mapping[str, int]
    messages: int
    speed: Speed
    currency: str
    net_by_day: tuple[DayTotal, ...]
    net_by_store: tuple[FlowTotal, ...]
    discounts: tuple[Total, ...]
    """By funder."""
    credit: tuple[RoleCredit, ...]
    associates: tuple[Total, ...]
    """Credit by associate; the empty name is what no person earned."""
    drift: Reconciliation

    @property
    def lines_read(self) -> int:
        """Lines of the data set that were read."""
        return sum(each.count for each in self.lines)

    @property
    def orders_sent(self) -> int:
        """Orders that were made of them."""
        return sum(each.count for each in self.orders)

    @property
    def net_minor(self) -> int:
        """What was booked."""
        return sum(each.net_minor for each in self.net_by_day)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs; dates are left to the encoder."""
        return {
            **asdict(self),
            "lines_read": self.lines_read,
            "orders_sent": self.orders_sent,
            "net_minor": self.net_minor,
            "zero_drift": self.drift.is_zero_drift,
        }


async def report(played: Played, databases: Mapping[str, Any]) -> Report:
    """Read the books of what was played, from the services' databases, given as pools or connections by name.

    The books are all that these databases hold: after several replays on the same ones, of all of them.
    """
    books = databases["attribution"]
    lines = sum(played.line_fates.values())
    return Report(
        data_set=DATA_SET,
        seed=played.options.seed,
        baskets=played.baskets_read,
        lines=_counted(played.line_fates),
        orders=_counted(played.order_fates),
        refusals=tuple(Refusals(*what, count) for what, count in sorted(played.refusals.items())),
        dead_letters=dict(played.dead_letters),
        messages=played.records,
        speed=Speed(
            elapsed_s=played.elapsed_s,
            orders_per_s=played.orders_sent / played.elapsed_s,
            lines_per_s=lines / played.elapsed_s,
            messages_per_s=played.records / played.elapsed_s,
        ),
        currency=CURRENCY,
        net_by_day=_ours(await attribution.net_by_day(books)),
        net_by_store=_ours(await attribution.net_by_flow(books)),
        discounts=_ours(await attribution.discounts_by_funder(books)),
        credit=_ours(await attribution.credit_by_role(books)),
        associates=_ours(await attribution.credit_totals(books, "associate")),
        drift=await reconcile(databases),
    )


def _counted(fates: Mapping[Fate, int]) -> tuple[Counted, ...]:
    return tuple(Counted(*fate, count) for fate, count in sorted(fates.items(), key=lambda each: -each[1]))


def _ours(booked: Sequence[Booked]) -> tuple[Booked, ...]:
    return tuple(each for each in booked if each.currency == CURRENCY)
