"""The tables of fulfilment, and what people ask of them."""

from dataclasses import dataclass

import asyncpg
import msgspec
from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.fulfilment.domain.state import Fulfilment, Location, Task
from shared.engine.rows import Codec, Rows
from shared.engine.tables import service_metadata

OPEN_TASKS_MAX = 500

metadata = service_metadata()

locations = Table(
    "location",
    metadata,
    Column("location_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("opening_hours", JSONB, nullable=False, comment="[{day, opens, closes}], local time; none: always open"),
    Column("closed_on", JSONB, nullable=False, comment="local dates"),
    comment="When locations are open, as the master data describe them.",
)

fulfilments = Table(
    "fulfilment",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("tasks", JSONB, nullable=False, comment="what each store does for the order, by line and bucket"),
    Column("open_at", JSONB, nullable=False, comment="the locations that still have something to do"),
    Column("quantity", BigInteger, nullable=False, comment="pieces asked for, in one of the buckets each"),
    Column("to_pick", BigInteger, nullable=False),
    Column("picked", BigInteger, nullable=False),
    Column("collected", BigInteger, nullable=False),
    Column("short", BigInteger, nullable=False),
    Column("cancelled", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="asks_for_something"),
    CheckConstraint("least(to_pick, picked, collected, short, cancelled, expired) >= 0", name="never_below_nothing"),
    CheckConstraint(
        "to_pick + picked + collected + short + cancelled + expired = quantity", name="every_piece_is_somewhere"
    ),
    CheckConstraint("(open_at = '[]') = (to_pick + picked = 0)", name="open_where_pieces_are"),
    # Orders that are done are most of the table and none of the index.
    Index("ix_fulfilment_open_at", "open_at", postgresql_using="gin", postgresql_where=text("open_at <> '[]'")),
    postgresql_with={"fillfactor": 80},
    comment="The stores' work on each order.",
)

LOCATIONS = Rows(locations, Location, locked=False)
FULFILMENTS = Rows(fulfilments, Fulfilment)
ROWS = (LOCATIONS, FULFILMENTS)
"""In the order in which they are locked."""

Reader = asyncpg.Connection | asyncpg.Pool
"""What a query may be asked through."""


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that a store has still to finish."""

    order_id: str
    task: Task


_to_fulfilment = Codec(FULFILMENTS).to_value
_to_task = msgspec.json.Decoder(Task).decode


async def fulfilment_of(reader: Reader, order_id: str) -> Fulfilment | None:
    """Return what the stores have to do, and did, for an order."""
    record = await reader.fetchrow("SELECT * FROM fulfilment WHERE order_id = $1", order_id)
    return _to_fulfilment(record) if record else None


async def open_tasks_at(reader: Reader, location_id: str) -> tuple[OpenTask, ...]:
    """Return what a location has still to pick or to hand over, the most urgent pick first, at most OPEN_TASKS_MAX."""
    records = await reader.fetch(
        """
        SELECT order_id, task
        FROM fulfilment, jsonb_array_elements(tasks) AS task
        WHERE open_at <> '[]' AND open_at ? $1 AND task ->> 'location_id' = $1
        ORDER BY (task ->> 'pick_by')::timestamptz, order_id
        LIMIT $2
        """,
        location_id,
        OPEN_TASKS_MAX,
    )
    return tuple(OpenTask(record["order_id"], _to_task(record["task"])) for record in records)
