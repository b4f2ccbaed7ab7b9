"""The plain order service."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.events.channel import OrderSubmitted
from shared.events.event import Reason
from shared.events.fulfilment import FulfilmentCollected, ReadyForPickup
from shared.events.inventory import StockReserved, StockUnavailable
from shared.events.order import (
    ConfirmedLine,
    OrderCompleted,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    PlacedLine,
)
from shared.events.reference import LocationDescribed
from tests.bench.naive.shell import Base, Plain, Work


class Location(Base):
    """A place."""

    __tablename__ = "order_locations"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    channel: Mapped[str]
    customer_id: Mapped[str | None] = mapped_column(index=True)
    capture_location_id: Mapped[str]
    currency: Mapped[str]
    paid_minor: Mapped[int]
    lines: Mapped[list["OrderLine"]] = relationship(lazy="selectin", order_by="OrderLine.line_id")


class OrderLine(Base):
    """A line of an order, and where its pieces are."""

    __tablename__ = "order_lines"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    location_id: Mapped[str]
    quantity: Mapped[int]
    net_minor: Mapped[int]
    status: Mapped[str]


async def describe(work: Work, described: LocationDescribed) -> None:
    """Note a place."""
    await work.session.merge(Location(location_id=described.location_id, kind=described.kind))


async def place(work: Work, submitted: OrderSubmitted) -> None:
    """Take an order on."""
    if await work.session.get(Order, submitted.order_id) is not None:
        return
    for location_id in {submitted.capture_location_id, *(str(line.pickup_location_id) for line in submitted.lines)}:
        await work.the(Location, location_id, lock=False)
    due_minor = sum(line.net_minor + line.tax_minor for line in submitted.lines)
    paid_minor = sum(tender.amount_minor for tender in submitted.tenders)
    lines = tuple(
        PlacedLine(**line.model_dump(exclude={"pickup_location_id"}), location_id=str(line.pickup_location_id))
        for line in submitted.lines
    )
    work.session.add(
        Order(
            order_id=submitted.order_id,
            status="placed" if due_minor == paid_minor else "rejected",
            channel=submitted.channel,
            customer_id=submitted.customer_id,
            capture_location_id=submitted.capture_location_id,
            currency=submitted.currency,
            paid_minor=paid_minor,
            lines=[
                OrderLine(
                    line_id=line.line_id,
                    sku=line.sku,
                    location_id=line.location_id,
                    quantity=line.quantity,
                    net_minor=line.net_minor,
                    status="pending",
                )
                for line in lines
            ],
        )
    )
    if due_minor != paid_minor:
        reason = Reason(slug="sums-do-not-add-up", sentence="What was paid is not what is due.")
        await work.tell(OrderRejected(order_id=submitted.order_id, reasons=(reason,)))
        return
    given = submitted.model_dump(exclude={"lines", "placed_at"})
    await work.tell(OrderPlaced(**given, lines=lines, placed_at=work.occurred_at))


async def confirm(work: Work, reserved: StockReserved) -> None:
    """Confirm what is kept."""
    order: Order = await work.the(Order, reserved.order_id)
    order.status = _move(order, {line.line_id for line in reserved.lines}, "reserved", "confirmed")
    lines = tuple(ConfirmedLine(**line.model_dump()) for line in reserved.lines)
    await work.tell(OrderConfirmed(order_id=order.order_id, lines=lines))


async def reject(work: Work, unavailable: StockUnavailable) -> None:
    """Reject an order whose stock is short."""
    order: Order = await work.the(Order, unavailable.order_id)
    order.status = _move(order, {line.line_id for line in order.lines}, "cancelled", "rejected")
    reason = Reason(slug="stock-unavailable", sentence="There are not enough pieces.")
    await work.tell(OrderRejected(order_id=order.order_id, reasons=(reason,)))


async def make_ready(work: Work, ready: ReadyForPickup) -> None:
    """Note what waits."""
    order: Order = await work.the(Order, ready.order_id)
    order.status = _move(order, {line.line_id for line in ready.lines}, "ready", "ready")


async def collect(work: Work, collected: FulfilmentCollected) -> None:
    """Note what was handed over; with the last line the order is complete."""
    order: Order = await work.the(Order, collected.order_id)
    order.status = _move(order, {line.line_id for line in collected.lines}, "collected", "partly_collected")
    if all(line.status == "collected" for line in order.lines):
        order.status = "completed"
        await work.tell(OrderCompleted(order_id=order.order_id))


def _move(order: Order, line_ids: set[str], status: str, order_status: str) -> str:
    for line in order.lines:
        if line.line_id in line_ids:
            line.status = status
    return order_status


ORDER = Plain(
    "order",
    (Location, Order, OrderLine),
    {
        LocationDescribed: describe,
        OrderSubmitted: place,
        StockReserved: confirm,
        StockUnavailable: reject,
        ReadyForPickup: make_ready,
        FulfilmentCollected: collect,
    },
)
