"""The plain returns service: it remembers what went home."""

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from shared.events.fulfilment import FulfilmentCollected
from shared.events.order import OrderPlaced
from tests.bench.naive.shell import Base, Early, Plain, Work


class Bought(Base):
    """A line that was bought, and how much of it went home."""

    __tablename__ = "purchases"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str | None]
    currency: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    net_minor: Mapped[int]
    taken_home: Mapped[int]


async def buy(work: Work, placed: OrderPlaced) -> None:
    """Note what was bought."""
    for line in placed.lines:
        work.session.add(
            Bought(
                order_id=placed.order_id,
                line_id=line.line_id,
                customer_id=placed.customer_id,
                currency=placed.currency,
                sku=line.sku,
                quantity=line.quantity,
                net_minor=line.net_minor,
                taken_home=0,
            )
        )


async def take_home(work: Work, collected: FulfilmentCollected) -> None:
    """Note what went home."""
    query = select(Bought).where(Bought.order_id == collected.order_id).with_for_update()
    lines = {line.line_id: line for line in (await work.session.scalars(query)).all()}
    if not lines:
        raise Early(f"purchase {collected.order_id}")
    for taken in collected.lines:
        lines[taken.line_id].taken_home += taken.quantity


RETURNS = Plain("returns", (Bought,), {OrderPlaced: buy, FulfilmentCollected: take_home})
