"""The plain inventory service."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from shared.events.fulfilment import FulfilmentCollected, ReadyForPickup
from shared.events.inventory import (
    AvailabilityChanged,
    ShortLine,
    StockIssued,
    StockLine,
    StockReserved,
    StockUnavailable,
)
from shared.events.operations import StockReceived
from shared.events.order import OrderPlaced
from tests.bench.naive.shell import Base, Early, Plain, Work

HOLD = timedelta(days=3)


class Stock(Base):
    """Pieces of a sku at a location."""

    __tablename__ = "stock"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    __table_args__ = (CheckConstraint("reserved BETWEEN 0 AND on_hand"),)


class Reserved(Base):
    """Pieces kept for a line of an order."""

    __tablename__ = "reservations"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    status: Mapped[str]
    hold_until: Mapped[datetime | None]


class Movement(Base):
    """A change of what is on hand."""

    __tablename__ = "movements"
    movement_id: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str]
    sku: Mapped[str] = mapped_column(index=True)
    change_quantity: Mapped[int]
    cause: Mapped[str]
    moved_at: Mapped[datetime]
    order_id: Mapped[str | None]
    line_id: Mapped[str | None]


async def receive(work: Work, received: StockReceived) -> None:
    """Put a delivery on the shelf."""
    key = received.location_id, received.sku
    stock = await work.session.get(Stock, key, with_for_update=True)
    if stock is None:
        stock = Stock(location_id=key[0], sku=key[1], on_hand=0, reserved=0)
        work.session.add(stock)
    stock.on_hand += received.quantity
    work.session.add(_movement(stock, received.quantity, "received", work))
    await _tell_available(work, stock)


async def reserve(work: Work, placed: OrderPlaced) -> None:
    """Keep all lines of an order, or none."""
    stock = await _stock_of(work, {(line.location_id, line.sku) for line in placed.lines})
    wanted: dict[tuple[str, str], int] = {}
    short = []
    for line in placed.lines:
        key = line.location_id, line.sku
        here = stock.get(key)
        available = (here.on_hand - here.reserved if here else 0) - wanted.get(key, 0)
        if line.quantity > available:
            short.append(
                ShortLine(
                    line_id=line.line_id,
                    sku=line.sku,
                    location_id=line.location_id,
                    requested_quantity=line.quantity,
                    available_quantity=available,
                )
            )
        else:
            wanted[key] = wanted.get(key, 0) + line.quantity
    if short:
        await work.tell(StockUnavailable(order_id=placed.order_id, lines=tuple(short)))
        return
    until = datetime.now(UTC) + HOLD
    for line in placed.lines:
        work.session.add(
            Reserved(
                order_id=placed.order_id,
                line_id=line.line_id,
                location_id=line.location_id,
                sku=line.sku,
                quantity=line.quantity,
                status="reserved",
                hold_until=until,
            )
        )
    for key, quantity in wanted.items():
        stock[key].reserved += quantity
    lines = tuple(
        StockLine(line_id=line.line_id, sku=line.sku, location_id=line.location_id, quantity=line.quantity)
        for line in placed.lines
    )
    await work.tell(StockReserved(order_id=placed.order_id, lines=lines, hold_until=until))
    for key in sorted(wanted):
        await _tell_available(work, stock[key])


async def pick(work: Work, ready: ReadyForPickup) -> None:
    """Note what was set aside."""
    for reserved in await _lines_of(work, ready.order_id, {line.line_id for line in ready.lines}):
        reserved.status, reserved.hold_until = "picked", None


async def issue(work: Work, collected: FulfilmentCollected) -> None:
    """Write off what was handed over."""
    lines = await _lines_of(work, collected.order_id, {line.line_id for line in collected.lines})
    stock = await _stock_of(work, {(line.location_id, line.sku) for line in lines})
    for line in lines:
        here = stock[line.location_id, line.sku]
        here.on_hand -= line.quantity
        here.reserved -= line.quantity
        line.status = "issued"
        movement = _movement(here, -line.quantity, "collected", work)
        movement.order_id, movement.line_id = line.order_id, line.line_id
        work.session.add(movement)
    issued = tuple(
        StockLine(line_id=line.line_id, sku=line.sku, location_id=line.location_id, quantity=line.quantity)
        for line in lines
    )
    await work.tell(StockIssued(order_id=collected.order_id, lines=issued))


async def _stock_of(work: Work, keys: set[tuple[str, str]]) -> dict[tuple[str, str], Stock]:
    """Return stock, locked in one order everywhere, so that nobody deadlocks."""
    found = {}
    for key in sorted(keys):
        if stock := await work.session.get(Stock, key, with_for_update=True):
            found[key] = stock
    return found


async def _lines_of(work: Work, order_id: str, line_ids: set[str]) -> list[Reserved]:
    query = select(Reserved).where(Reserved.order_id == order_id).order_by(Reserved.line_id).with_for_update()
    lines = [line for line in (await work.session.scalars(query)).all() if line.line_id in line_ids]
    if len(lines) < len(line_ids):
        raise Early(f"reservation of {order_id}")
    return lines


def _movement(stock: Stock, quantity: int, cause: str, work: Work) -> Movement:
    return Movement(
        movement_id=str(uuid4()),
        location_id=stock.location_id,
        sku=stock.sku,
        change_quantity=quantity,
        cause=cause,
        moved_at=work.occurred_at,
    )


async def _tell_available(work: Work, stock: Stock) -> None:
    available = stock.on_hand - stock.reserved
    await work.tell(AvailabilityChanged(location_id=stock.location_id, sku=stock.sku, available_to_promise=available))


INVENTORY = Plain(
    "inventory",
    (Stock, Reserved, Movement),
    {StockReceived: receive, OrderPlaced: reserve, ReadyForPickup: pick, FulfilmentCollected: issue},
)
