"""The tables of the order service, and what may be asked of them."""

from datetime import datetime

import asyncpg
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.order.domain.state import Location, Order
from shared.engine.rows import Codec, Rows
from shared.engine.tables import service_metadata

HISTORY_MAX = 200
"""Orders of a customer read at once."""

metadata = service_metadata()

locations = Table(
    "locations",
    metadata,
    Column("location_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("kind IN ('online', 'store', 'warehouse', 'partner')", name="kind"),
    comment="Places, as the master data describes them.",
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("status", Text, nullable=False, comment="derived from the lines, for people who query"),
    Column("channel", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("capture_location_id", Text, nullable=False),
    Column("associate_id", Text),
    Column("customer_id", Text),
    Column("currency", Text, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False, comment="by the channel's clock"),
    Column("digest", Text, nullable=False, comment="of what the channel sent, to know it again"),
    Column("when_short", Text, nullable=False),
    Column("lines", JSONB, nullable=False, comment="each with its pieces by bucket"),
    Column("payments", JSONB, nullable=False),
    Column("rejections", JSONB, nullable=False, comment="why it was not taken on"),
    Column("ordered_quantity", Integer, nullable=False),
    Column("open_quantity", Integer, nullable=False),
    Column("collected_quantity", Integer, nullable=False),
    Column("cancelled_quantity", Integer, nullable=False),
    Column("due_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("owed_back_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(
        "status IN ('placed', 'confirmed', 'ready', 'partly_collected', 'completed', 'cancelled', 'rejected')",
        name="status",
    ),
    CheckConstraint("when_short IN ('reject_order', 'reject_line')", name="when_short"),
    CheckConstraint("least(open_quantity, collected_quantity, cancelled_quantity) >= 0", name="buckets"),
    CheckConstraint("ordered_quantity = open_quantity + collected_quantity + cancelled_quantity", name="conserved"),
    CheckConstraint(
        "(status IN ('completed', 'cancelled', 'rejected')) = (open_quantity = 0)", name="ended_when_nothing_open"
    ),
    CheckConstraint("(status = 'rejected') = (rejections <> '[]')", name="rejected_for_a_reason"),
    CheckConstraint("status NOT IN ('cancelled', 'rejected') OR collected_quantity = 0", name="cancelled_whole"),
    CheckConstraint("status = 'rejected' OR paid_minor = due_minor", name="paid"),
    CheckConstraint("refunded_minor BETWEEN 0 AND paid_minor", name="never_more_than_paid"),
    CheckConstraint("refunded_minor = owed_back_minor", name="refunded"),
    Index(
        "ix_orders_customer",
        "customer_id",
        "placed_at",
        "order_id",
        postgresql_where="customer_id IS NOT NULL",
    ),
    # No indexed column ever changes: with room left on its page, an update touches no index.
    postgresql_with={"fillfactor": 70},
    comment="Every order of every channel, rejected ones too.",
)

LOCATIONS = Rows(locations, Location, locked=False)
ORDERS = Rows(orders, Order)
ROWS = (LOCATIONS, ORDERS)
"""In the order in which they are locked."""

_to_order = Codec(ORDERS).to_value


async def order_of(connection: asyncpg.Connection, order_id: str) -> Order | None:
    """Return the order of this id, or None."""
    record = await connection.fetchrow("SELECT * FROM orders WHERE order_id = $1", order_id)
    return None if record is None else _to_order(record)


async def orders_of_customer(
    connection: asyncpg.Connection, customer_id: str, *, before: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Order]:
    """Return orders of a customer, the newest first: a page of at most `limit`, HISTORY_MAX at most.

    The next page is `before` the (placed_at, order_id) of the last order of this one.
    """
    placed_at, order_id = before or (None, None)
    records = await connection.fetch(
        "SELECT * FROM orders WHERE customer_id = $1"
        " AND ($2::timestamptz IS NULL OR (placed_at, order_id) < ($2, $3))"
        " ORDER BY placed_at DESC, order_id DESC LIMIT $4",
        customer_id,
        placed_at,
        order_id,
        min(limit, HISTORY_MAX),
    )
    return [_to_order(record) for record in records]


async def orders_after(connection: asyncpg.Connection, order_id: str, *, limit: int = 1000) -> list[Order]:
    """Return the next orders by id, a page of at most `limit`: for reconciliation, which reads them all."""
    records = await connection.fetch(
        "SELECT * FROM orders WHERE order_id > $1 ORDER BY order_id LIMIT $2", order_id, limit
    )
    return [_to_order(record) for record in records]


_KEPT = """
SELECT order_id, line_id, (pieces->>'reserved')::int + (pieces->>'ready')::int AS quantity
FROM orders, jsonb_to_recordset(lines) AS line(line_id text, pieces jsonb)
WHERE open_quantity > 0
"""


async def kept(connection: asyncpg.Connection) -> dict[tuple[str, str], int]:
    """Return the pieces that are kept for each line of open orders, as inventory has told: for reconciliation."""
    rows = await connection.fetch(_KEPT)
    return {(row["order_id"], row["line_id"]): row["quantity"] for row in rows if row["quantity"]}
