"""The plain attribution service: the books of an order that was bought on the web and collected in a store."""

from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.events.attribution import AttributionPosted, Posting
from shared.events.fulfilment import FulfilmentCollected
from shared.events.order import OrderPlaced
from shared.events.reference import ItemDescribed, LocationDescribed
from shared.kernel.money import split
from tests.bench.naive.shell import Base, Plain, Work

CREDIT_BP = {"capture": 4000, "trial": 2000, "fulfil": 2500, "handover": 1500}
FEE_MINOR = 150
POLICY, RULE = "shipped-1", "every-other-sale"


class Place(Base):
    """Where is sold, and into whose budget."""

    __tablename__ = "places"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    cost_centre: Mapped[str]


class Item(Base):
    """What a sku costs."""

    __tablename__ = "items"
    sku: Mapped[str] = mapped_column(primary_key=True)
    standard_cost_minor: Mapped[int]


class Sale(Base):
    """An order, as far as the books need it."""

    __tablename__ = "sales"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    currency: Mapped[str]
    capture_location_id: Mapped[str]
    lines: Mapped[list["SaleLine"]] = relationship(lazy="selectin", order_by="SaleLine.line_id")


class SaleLine(Base):
    """A line of it."""

    __tablename__ = "sale_lines"
    order_id: Mapped[str] = mapped_column(ForeignKey("sales.order_id"), primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    gross_minor: Mapped[int]
    net_minor: Mapped[int]
    discounts: Mapped[dict[str, int]] = mapped_column(JSONB)
    recognised: Mapped[int]


class Entry(Base):
    """What became final."""

    __tablename__ = "entries"
    entry_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(index=True)
    line_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    currency: Mapped[str]
    net_minor: Mapped[int]
    recognised_at: Mapped[datetime]
    period: Mapped[str]
    rule: Mapped[str]
    postings: Mapped[list["BookPosting"]] = relationship()


class BookPosting(Base):
    """An amount in a book."""

    __tablename__ = "postings"
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.entry_id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    book: Mapped[str]
    account: Mapped[str]
    line: Mapped[str]
    counterparty: Mapped[str]
    amount: Mapped[int]


async def describe_place(work: Work, described: LocationDescribed) -> None:
    """Note a place."""
    await work.session.merge(Place(location_id=described.location_id, cost_centre=described.cost_centre))


async def describe_item(work: Work, described: ItemDescribed) -> None:
    """Note an item."""
    await work.session.merge(Item(sku=described.sku, standard_cost_minor=described.standard_cost_minor))


async def place(work: Work, placed: OrderPlaced) -> None:
    """Note what was sold."""
    lines = [
        SaleLine(
            line_id=line.line_id,
            sku=line.sku,
            quantity=line.quantity,
            gross_minor=line.gross_minor,
            net_minor=line.net_minor,
            discounts={discount.funder: discount.amount_minor for discount in line.discounts},
            recognised=0,
        )
        for line in placed.lines
    ]
    work.session.add(
        Sale(
            order_id=placed.order_id,
            channel=placed.channel,
            currency=placed.currency,
            capture_location_id=placed.capture_location_id,
            lines=lines,
        )
    )


async def collect(work: Work, collected: FulfilmentCollected) -> None:
    """Book every line that was handed over."""
    sale: Sale = await work.the(Sale, collected.order_id)
    capture: Place = await work.the(Place, sale.capture_location_id, lock=False)
    store: Place = await work.the(Place, collected.location_id, lock=False)
    lines = {line.line_id: line for line in sale.lines}
    for taken in collected.lines:
        line = lines[taken.line_id]
        item: Item = await work.the(Item, line.sku, lock=False)
        line.recognised += taken.quantity
        postings = tuple(
            posting for posting in _postings(line, item, capture, store, collected.associate_id or "") if posting.amount
        )
        await _book(work, sale, line, collected.collected_at, postings)


async def _book(work: Work, sale: Sale, line: SaleLine, at: datetime, postings: tuple[Posting, ...]) -> None:
    entry = Entry(
        entry_id=str(uuid4()),
        order_id=sale.order_id,
        line_id=line.line_id,
        sku=line.sku,
        quantity=line.quantity,
        currency=sale.currency,
        net_minor=line.net_minor,
        recognised_at=at,
        period=at.strftime("%Y-%m"),
        rule=RULE,
        postings=[BookPosting(ordinal=number, **each.model_dump()) for number, each in enumerate(postings)],
    )
    work.session.add(entry)
    await work.tell(
        AttributionPosted(
            order_id=sale.order_id,
            entry_id=entry.entry_id,
            line_id=line.line_id,
            sku=line.sku,
            quantity=line.quantity,
            flow="pickup",
            channel=sale.channel,  # type: ignore[arg-type]
            currency=sale.currency,
            net_minor=line.net_minor,
            recognised_at=at,
            period=entry.period,
            policy_version=POLICY,
            rule=RULE,
            postings=postings,
        )
    )


def _postings(line: SaleLine, item: Item, capture: Place, store: Place, clerk: str) -> Iterator[Posting]:
    """Yield the postings of a line that became final as a whole, in the order of Tekil's."""
    yield Posting(book="stock", account=store.location_id, amount=-line.quantity)
    yield Posting(book="stock", account="customer", amount=line.quantity)
    seller, owner, cost_minor = capture.cost_centre, store.cost_centre, item.standard_cost_minor * line.quantity
    budget: list[tuple[str, str, str, int]] = [
        (seller, "revenue", "", line.gross_minor),
        *((seller, "discount", funder, -amount) for funder, amount in line.discounts.items()),
        ("customer", "customer", "", -line.net_minor),
        (seller, "cost_of_goods", "", -cost_minor),
        (owner, "stock", "", cost_minor),
        (seller, "due_to", owner, cost_minor),
        (owner, "due_from", seller, -cost_minor),
        (owner, "handling", seller, FEE_MINOR),
        (seller, "handling", owner, -FEE_MINOR),
    ]
    for account, name, counterparty, amount in budget:
        yield Posting(book="budget", account=account, line=name, counterparty=counterparty, amount=amount)
    # Nobody tried it before: the share of a trial is the web shop's, which took the order.
    holders = {"capture": capture, "trial": capture, "fulfil": store, "handover": store}
    for role, amount in split(line.net_minor, CREDIT_BP).items():
        named = clerk if role == "handover" else ""
        yield Posting(book="credit", account=holders[role].location_id, line=role, counterparty=named, amount=amount)


ATTRIBUTION = Plain(
    "attribution",
    (Place, Item, Sale, SaleLine, Entry, BookPosting),
    {
        LocationDescribed: describe_place,
        ItemDescribed: describe_item,
        OrderPlaced: place,
        FulfilmentCollected: collect,
    },
)
