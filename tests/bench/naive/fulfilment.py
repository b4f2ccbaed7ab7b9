"""The plain fulfilment service."""

import os
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.fulfilment.domain.codes import PickupCodes
from shared.events.event import Reason
from shared.events.fulfilment import (
    FulfilmentCollected,
    FulfilmentCreated,
    HandoverRefused,
    ReadyForPickup,
    SettledLine,
    TaskLine,
)
from shared.events.operations import PickCompleted, PickupHandedOver
from shared.events.order import OrderConfirmed
from tests.bench.naive.shell import Base, Early, Plain, Work

PICK_TIME, PICKUP_TIME = timedelta(hours=2), timedelta(days=7)
CODES = PickupCodes(os.environ.get("TEKIL_PICKUP_SECRET", "not set: nothing runs").encode())


class Task(Base):
    """What a store does for an order."""

    __tablename__ = "tasks"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    pick_by: Mapped[datetime]
    pickup_by: Mapped[datetime | None]
    lines: Mapped[list["Line"]] = relationship(
        lazy="selectin",
        order_by="Line.line_id",
        primaryjoin="and_(Line.order_id == Task.order_id, Line.location_id == Task.location_id)",
        foreign_keys="[Line.order_id, Line.location_id]",
    )

    def told(self) -> tuple[TaskLine, ...]:
        """Return the lines as events tell them."""
        return tuple(TaskLine(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in self.lines)


class Line(Base):
    """A line of a task."""

    __tablename__ = "task_lines"
    order_id: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    picked: Mapped[int] = mapped_column(default=0)
    collected: Mapped[int] = mapped_column(default=0)


async def create(work: Work, confirmed: OrderConfirmed) -> None:
    """Give every store its task."""
    for location_id in dict.fromkeys(line.location_id for line in confirmed.lines):
        pick_by = datetime.now(UTC) + PICK_TIME
        task = Task(order_id=confirmed.order_id, location_id=location_id, status="picking", pick_by=pick_by)
        task.lines = [
            Line(line_id=line.line_id, sku=line.sku, quantity=line.quantity, picked=0, collected=0)
            for line in confirmed.lines
            if line.location_id == location_id
        ]
        work.session.add(task)
        await work.tell(
            FulfilmentCreated(order_id=confirmed.order_id, location_id=location_id, lines=task.told(), pick_by=pick_by)
        )


async def pick(work: Work, reported: PickCompleted) -> None:
    """Note what was picked; with the last piece the task is ready."""
    task = await _task(work, reported.order_id, reported.location_id)
    picked = {line.line_id: line.picked_quantity for line in reported.lines}
    for line in task.lines:
        line.picked += picked.get(line.line_id, 0)
    if any(line.picked < line.quantity for line in task.lines):
        return
    task.status, task.pickup_by = "ready", datetime.now(UTC) + PICKUP_TIME
    code = CODES.of(order_id=task.order_id, location_id=task.location_id)
    await work.tell(
        ReadyForPickup(
            order_id=task.order_id,
            location_id=task.location_id,
            lines=task.told(),
            pickup_code=code,
            pickup_by=task.pickup_by,
        )
    )


async def hand_over(work: Work, shown: PickupHandedOver) -> None:
    """Hand everything over to whoever shows the code."""
    task = await _task(work, shown.order_id, shown.location_id)
    if task.status != "ready" or not CODES.fits(shown.code, order_id=task.order_id, location_id=task.location_id):
        reason = Reason(slug="wrong-code", sentence="Nothing is handed over.")
        await work.tell(
            HandoverRefused(
                order_id=task.order_id, location_id=task.location_id, request_id=work.cause_id, reason=reason
            )
        )
        return
    task.status = "closed"
    for line in task.lines:
        line.collected = line.quantity
    await work.tell(
        FulfilmentCollected(
            order_id=task.order_id,
            location_id=task.location_id,
            lines=tuple(SettledLine(**line.model_dump(), so_far_quantity=line.quantity) for line in task.told()),
            collected_by=shown.collected_by,
            associate_id=shown.associate_id,
            collected_at=work.occurred_at,
        )
    )


async def _task(work: Work, order_id: str, location_id: str) -> Task:
    query = select(Task).where(Task.order_id == order_id, Task.location_id == location_id).with_for_update()
    task = (await work.session.scalars(query)).first()
    if task is None:
        raise Early(f"task of {order_id}")
    return task


FULFILMENT = Plain(
    "fulfilment", (Task, Line), {OrderConfirmed: create, PickCompleted: pick, PickupHandedOver: hand_over}
)
