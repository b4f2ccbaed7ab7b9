"""Reconciliation: proof that the books say what the services did, to the piece and to the minor unit.

Five statements are checked, each against a source that does not know of the other:

1. the stock book's balance of every location and sku is what inventory has on hand;
2. inventory's stock is the sum of its own movements, and its reserved pieces are those that reservations hold;
3. every order line's pieces that inventory keeps are those that the order service counts on: none of an ended order;
4. every order line's recognised pieces and net amount are those that the order service says were handed over;
5. every line's credit is exactly its net amount, and its budget and stock postings sum to nothing.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from services.attribution import store as attribution
from services.inventory import store as inventory
from services.order import store as order
from shared.events.accounts import RESERVED
from shared.kernel.money import part

SHOWN_MAX = 100
"""Differences that a reconciliation lists; it counts all."""
Key = tuple[str, str]
"""A location and a sku, or an order and a line."""
Page = dict[Key, tuple[int, int]]
"""Pieces and net amount of order lines."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two sources disagree."""

    check: str
    where: str
    expected: str
    found: str


@dataclass
class Reconciliation:
    """What was compared and what differs."""

    stock_rows: int = 0
    order_lines: int = 0
    net_minor: dict[str, int] = field(default_factory=dict)
    """What was handed over, by currency."""
    differences: int = 0
    shown: list[Difference] = field(default_factory=list)

    @property
    def is_zero_drift(self) -> bool:
        """Whether nothing differs."""
        return self.differences == 0

    def differs(self, check: str, where: str, *, expected: object, found: object) -> None:
        """Note a difference."""
        self.differences += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(Difference(check, where, str(expected), str(found)))

    def compare(
        self, check: str, expected: Mapping[Key, int], found: Mapping[Key, int], where: Callable[[Key], str]
    ) -> None:
        """Note where two counts by the same keys differ; what one of them leaves out is 0."""
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key, 0) != found.get(key, 0):
                self.differs(check, where(key), expected=expected.get(key, 0), found=found.get(key, 0))


async def reconcile(databases: Mapping[str, Any]) -> Reconciliation:
    """Compare the services' databases, given as pools or connections by service name.

    What is on its way between services shows as a difference: reconcile when nothing is.
    """
    result = Reconciliation()
    await _stock_book(result, databases["attribution"], databases["inventory"])
    await _own_journal(result, databases["inventory"])
    await _kept(result, databases["order"], databases["inventory"])
    await _handed_over(result, databases["order"], databases["attribution"])
    return result


async def _stock_book(result: Reconciliation, books: asyncpg.Connection, stock: asyncpg.Connection) -> None:
    booked = {
        (balance.account, balance.sku): balance.quantity
        for balance in await attribution.stock_balances(books)
        if balance.account not in RESERVED and balance.quantity
    }
    on_hand = await inventory.on_hand(stock)
    result.stock_rows = len(on_hand)
    result.compare("stock book", on_hand, booked, " ".join)


async def _own_journal(result: Reconciliation, stock: asyncpg.Connection) -> None:
    for key, (on_hand, reserved) in (await inventory.drift(stock)).items():
        result.differs("inventory's journal", " ".join(key), expected="(0, 0)", found=f"({on_hand}, {reserved})")


async def _kept(result: Reconciliation, orders: asyncpg.Connection, stock: asyncpg.Connection) -> None:
    result.compare("kept for orders", await order.kept(orders), await inventory.kept(stock), " line ".join)


async def _handed_over(result: Reconciliation, orders: asyncpg.Connection, books: asyncpg.Connection) -> None:
    """Compare both sides page by page; both come in the same order, so that little waits for its counterpart."""
    waiting: dict[Key, tuple[int, int]] = {}
    expected, booked = _expected(result, orders), _booked(result, books)
    ended = 0
    while ended < 2:
        ended = 0
        for side, sign in ((expected, 1), (booked, -1)):
            page = await anext(side, None)
            ended += page is None
            for key, (quantity, net_minor) in (page or {}).items():
                before = waiting.pop(key, (0, 0))
                left = (before[0] + sign * quantity, before[1] + sign * net_minor)
                if left != (0, 0):
                    waiting[key] = left
    for (order_id, line_id), (quantity, net_minor) in sorted(waiting.items()):
        off = f"{-quantity} pieces, {-net_minor} minor units off"
        result.differs("handed over", f"{order_id} line {line_id}", expected="as the order says", found=off)


async def _expected(result: Reconciliation, orders: asyncpg.Connection) -> AsyncIterator[Page]:
    """Yield what the order service says was handed over: pieces and their net amount, counted from the front."""
    last = ""
    while page := await order.orders_after(orders, last):
        last = page[-1].order_id
        lines = {}
        for each in page:
            for line in each.lines:
                if taken := line.pieces.collected:
                    net_minor = part(line.net_minor, whole=line.quantity, before=0, taken=taken)
                    lines[each.order_id, line.line_id] = (taken, net_minor)
                    result.order_lines += 1
                    result.net_minor[each.currency] = result.net_minor.get(each.currency, 0) + net_minor
        yield lines


async def _booked(result: Reconciliation, books: asyncpg.Connection) -> AsyncIterator[Page]:
    """Yield what the journal recognised, and note every line whose books do not balance."""
    last = ("", "")
    while page := await attribution.line_sums(books, after=last):
        last = (page[-1].order_id, page[-1].line_id)
        for sums in page:
            found = (sums.credit_minor - sums.net_minor, sums.budget_sum_minor, sums.stock_sum)
            if found != (0, 0, 0):
                result.differs("books", f"{sums.order_id} line {sums.line_id}", expected=(0, 0, 0), found=found)
        yield {(sums.order_id, sums.line_id): (sums.quantity, sums.net_minor) for sums in page}
