"""A service small enough to see the engine through: it tallies received pieces of described items."""

from datetime import timedelta

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text

from shared.engine.message import Due
from shared.engine.rows import Rows
from shared.engine.service import Service, at_deadline, many, on, one
from shared.engine.tables import service_metadata
from shared.events.inventory import StockMoved
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.reference import ItemDescribed
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, Given, NotYet
from shared.kernel.value import Value, replace

WALL = 1000
"""The database refuses a larger tally; the decision does not know."""
PATIENCE = timedelta(hours=1)


class Item(Value):
    """A sku that was described."""

    sku: str
    name: str


class Tally(Value):
    """Pieces of a sku."""

    sku: str
    pieces: int


class Arrival(Value):
    """A journal of what came in."""

    arrival_id: str
    sku: str
    quantity: int


def describe(described: ItemDescribed, given: Given, *, item: Item | None) -> Answer:
    """Keep the item."""
    return Decision((Item(described.sku, described.name),))


def receive(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Add to the tally, once the item is described."""
    if item is None:
        return NotYet(Item, received.sku)
    tally = tallies.get(received.sku, Tally(received.sku, 0))
    added = replace(tally, pieces=tally.pieces + received.quantity)
    return Decision(
        rows=(added, Arrival(given.new_id("arrival"), received.sku, received.quantity)),
        events=(_moved(received.sku, received.quantity, added.pieces, given),),
        deadlines=(Deadline("audit", received.sku, given.now + PATIENCE),),
    )


def count(counted: StockCounted, given: Given, *, item: Item | None) -> Answer:
    """Wait for the item, but not for ever."""
    if item is None:
        return NotYet(Item, counted.sku, otherwise=Decision(events=(_moved(counted.sku, 0, 0, given),)))
    return Decision(deadlines=(Deadline("audit", counted.sku, None),))


def adjust(adjusted: StockAdjusted, given: Given) -> Answer:
    """Fail: a decision with a bug."""
    raise ZeroDivisionError


def audit(due: Due, given: Given, *, tallies: dict[str, Tally]) -> Answer:
    """Say that the time is up."""
    tally = tallies.get(due.key)
    return Decision(events=(_moved(due.key, 0, tally.pieces, given),)) if tally else NOTHING


def _moved(sku: str, change: int, on_hand: int, given: Given) -> StockMoved:
    return StockMoved(
        location_id="S1",
        sku=sku,
        change_quantity=change,
        cause="received",
        on_hand_quantity=on_hand,
        moved_at=given.occurred_at,
    )


metadata = service_metadata()
items = Table(
    "items", metadata, Column("sku", Text, primary_key=True), Column("name", Text), Column("version", Integer)
)
tallies = Table(
    "tallies",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("pieces", Integer, CheckConstraint(f"pieces <= {WALL}", name="wall"), nullable=False),
    Column("version", Integer, nullable=False),
)
arrivals = Table(
    "arrivals", metadata, Column("arrival_id", Text, primary_key=True), Column("sku", Text), Column("quantity", Integer)
)

TALLY = Service(
    name="tally",
    metadata=metadata,
    rows=(Rows(items, Item, locked=False), Rows(tallies, Tally), Rows(arrivals, Arrival, append_only=True)),
    handlers=(
        on(ItemDescribed, describe, one("item", Item, lambda described: described.sku)),
        on(
            StockReceived,
            receive,
            one("item", Item, lambda received: received.sku),
            many("tallies", Tally, lambda received: [received.sku]),
        ),
        on(StockCounted, count, one("item", Item, lambda counted: counted.sku)),
        on(StockAdjusted, adjust),
        at_deadline("audit", audit, many("tallies", Tally, lambda due: [due.key])),
    ),
)
