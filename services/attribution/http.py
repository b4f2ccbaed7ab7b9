"""What may be asked of attribution: what was booked, why, and what it sums to."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query

from services.attribution import store
from services.attribution.domain.roles import Role
from shared.events.channel import Channel, Method
from shared.events.event import EventId, Id
from shared.runtime.http import Problem, Reading, View

PAGE = 100
PAGE_MAX = 1000

router = APIRouter(prefix="/v1", tags=["attribution"])
Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


class HolderView(View):
    """Who played a role."""

    role: Role
    location_id: str
    associate_id: str | None
    not_credited: str | None
    """Who was named by the till, and is not described as working there."""


class ShareView(View):
    """A share of the credit, and how it came about."""

    role: Role
    """The role that the rule gives it to."""
    played_by: Role
    """The role whose holder gets it: another one where nobody played the first."""
    location_id: str
    associate_id: str | None
    basis_points: int
    exact_ten_thousandths: int
    """The share before rounding, in ten-thousandths of a minor unit."""
    amount_minor: int


class EntryView(View):
    """A recognition in the journal: what became final, and by which rule of which policy its credit fell as it did."""

    entry_id: str
    cause_id: str
    """The id of the message that it follows from."""
    order_id: str
    line_id: str
    sku: str
    quantity: int
    flow: Method
    channel: Channel
    currency: str
    net_minor: int
    cost_minor: int | None
    """At standard cost; none where that is in another currency than the order, and then no cost is booked."""
    recognised_at: datetime
    period: str
    """The month it is booked in, by the capture location's calendar."""
    policy_version: str
    rule: str
    holders: tuple[HolderView, ...]
    shares: tuple[ShareView, ...]


class PostingView(View):
    """One amount in one account of one book."""

    ordinal: int
    book: str
    account: str
    line: str
    counterparty: str
    amount: int
    """Pieces in the stock book, minor units in the others."""


class BookedView(View):
    """An entry with its postings: all that explains it."""

    entry: EntryView
    postings: tuple[PostingView, ...]


class Explanation(View):
    """All that was booked for an order, in the order in which it became final."""

    order_id: str
    entries: tuple[BookedView, ...]


class TotalView(View):
    """A sum of credit under a name. Currencies are never added up."""

    name: str
    """Location, channel or associate; empty for credit that names no associate."""
    currency: str
    amount_minor: int


class Credit(View):
    """Credit by location, channel or associate."""

    by: store.By
    totals: tuple[TotalView, ...]
    next: str | None
    """Give it as `after` to get the next page; none after the last."""


class StockBalanceView(View):
    """Pieces of a sku in the stock book."""

    sku: str
    quantity: int


class StockBook(View):
    """The stock book of a location, by sku."""

    location_id: str
    balances: tuple[StockBalanceView, ...]
    next: str | None
    """Give it as `after` to get the next page; none after the last."""


@router.get("/entries/{entry_id:path}", summary="One entry of the journal", response_model=BookedView)
async def entry(entry_id: EventId, connection: Reading) -> store.Booked:
    """Return an entry with its postings, which rule made it, and how its credit was rounded."""
    found = await store.entry_by_id(connection, entry_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "entry-unknown", f"The journal has no entry {entry_id}.")
    return found


@router.get("/orders/{order_id:path}/explanation", summary="Why it was booked so", response_model=Explanation)
async def explanation(order_id: Id, connection: Reading) -> dict[str, object]:
    """Return whose stock, whose budget and whose performance an order was, and by which rule."""
    found = await store.entries_of_order(connection, order_id)
    if not found:
        raise Problem(HTTPStatus.NOT_FOUND, "nothing-booked", f"Nothing has been booked for an order {order_id}.")
    return {"order_id": order_id, "entries": found}


@router.get("/credit", summary="Whose performance", response_model=Credit)
async def credit(
    connection: Reading,
    by: store.By,
    period: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", description="such as 2026-11; none: all")] = None,
    after: Annotated[str, Query(max_length=256)] = "",
    limit: Limit = PAGE,
) -> dict[str, object]:
    """Return the credit of all, or of a period."""
    totals = await store.credit_totals(connection, by, period=period)
    page, following = _page([(f"{total.name}|{total.currency}", total) for total in totals], after, limit)
    return {"by": by, "totals": page, "next": following}


@router.get("/stock-book/{location_id:path}", summary="Whose stock", response_model=StockBook)
async def stock_book(
    location_id: Id, connection: Reading, after: Annotated[str, Query(max_length=64)] = "", limit: Limit = PAGE
) -> dict[str, object]:
    """Return what the stock book says is at a location."""
    balances = await store.stock_balances(connection, account=location_id)
    page, following = _page([(balance.sku, balance) for balance in balances], after, limit)
    return {"location_id": location_id, "balances": page, "next": following}


def _page(rows: list[tuple[str, Row]], after: str, limit: int) -> tuple[list[Row], str | None]:
    """Return the rows after a place, and the place where the next page begins. Sums are few once they are summed."""
    left = [(place, row) for place, row in rows if place > after]
    page = left[:limit]
    return [row for _, row in page], page[-1][0] if len(left) > limit else None
