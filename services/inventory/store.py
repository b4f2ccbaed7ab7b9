"""The tables of the inventory service, and what people ask of them."""

import asyncpg
from sqlalchemy import DDL, BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, event
from sqlalchemy.dialects.postgresql import JSONB

from services.inventory.domain.state import Movement, Reservation, Stock, StockKey
from shared.engine.rows import Codec, Rows
from shared.engine.tables import service_metadata

PAGE_MAX = 500
"""Rows that one read returns at most."""

metadata = service_metadata()

# Rows that change all the time keep room beside them, so that a change touches one page and no index.
_ROOMY = {"fillfactor": 70}

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("lines", JSONB, nullable=False, comment="per line: pieces reserved, picked, issued, released, short"),
    Column("version", Integer, nullable=False),
    CheckConstraint("jsonb_typeof(lines) = 'array'", name="lines_listed"),
    CheckConstraint("NOT jsonb_path_exists(lines, '$[*].* ? (@ < 0)')", name="pieces_not_negative"),
    comment="What is held for an order. A row without lines says that the order was decided about.",
    postgresql_with=_ROOMY,
)

stock = Table(
    "stock",
    metadata,
    Column("location_id", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column(
        "on_hand", BigInteger, nullable=False, comment="by the books: below zero where more was sold than they knew of"
    ),
    Column("reserved", Integer, nullable=False, comment="kept for orders"),
    Column("blocked", Integer, nullable=False, comment="not found when picked, until counted"),
    Column("safety", Integer, nullable=False, comment="kept back from promises"),
    Column("oversold", BigInteger, nullable=False, comment="reserved and blocked that on hand does not cover"),
    Column("version", Integer, nullable=False),
    CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    CheckConstraint("blocked >= 0", name="blocked_not_negative"),
    CheckConstraint("safety >= 0", name="safety_not_negative"),
    CheckConstraint("oversold = greatest(0, reserved + blocked - on_hand)", name="oversold_declared"),
    Index("ix_stock_sku", "sku", "location_id"),
    comment="Pieces of a sku at a location.",
    postgresql_with=_ROOMY,
)

movements = Table(
    "movements",
    metadata,
    Column("movement_id", Text, primary_key=True),
    Column("location_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("change_quantity", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("message_id", Text, nullable=False, comment="the event that told of it"),
    Column("moved_at", DateTime(timezone=True), nullable=False, comment="when it happened, by whoever told of it"),
    Column("order_id", Text),
    Column("line_id", Text),
    CheckConstraint("change_quantity <> 0", name="something_moved"),
    CheckConstraint("cause IN ('carried_out', 'collected', 'received', 'counted', 'adjusted')", name="cause_known"),
    CheckConstraint("(cause IN ('carried_out', 'collected')) = (order_id IS NOT NULL)", name="cause_of_order"),
    CheckConstraint("(order_id IS NULL) = (line_id IS NULL)", name="line_of_order"),
    CheckConstraint("order_id IS NULL OR change_quantity < 0", name="orders_take"),
    Index("ix_movements_sku", "sku", "location_id", "moved_at"),
    comment="Every change of what is on hand, written once. Their sum is what is on hand.",
)

RESERVATIONS = Rows(reservations, Reservation)
STOCK = Rows(stock, Stock)
MOVEMENTS = Rows(movements, Movement, append_only=True)
ROWS = (RESERVATIONS, STOCK, MOVEMENTS)
"""In the order in which they are locked."""

WALLS = (
    """
    CREATE OR REPLACE FUNCTION journal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE restrict_violation USING
        MESSAGE = 'a journal is never changed: correct it by another movement', CONSTRAINT = 'journal_is_final';
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER journal_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON movements
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_final()
    """,
)
"""What the tables alone cannot refuse: any change of the journal. Installed with them by `metadata.create_all`."""

for wall in WALLS:
    event.listen(metadata, "after_create", DDL(wall))  # type: ignore[no-untyped-call]

_reservation = Codec(RESERVATIONS).to_value
_stock = Codec(STOCK).to_value
_movement = Codec(MOVEMENTS).to_value


async def reservation_of(connection: asyncpg.Connection, order_id: str) -> Reservation | None:
    """Return what is held for an order."""
    row = await connection.fetchrow("SELECT * FROM reservations WHERE order_id = $1", order_id)
    return None if row is None else _reservation(row)


async def stock_of(connection: asyncpg.Connection, *, location_id: str, sku: str) -> Stock | None:
    """Return the stock of a sku at a location."""
    row = await connection.fetchrow("SELECT * FROM stock WHERE (location_id, sku) = ($1, $2)", location_id, sku)
    return None if row is None else _stock(row)


async def stock_at_location(connection: asyncpg.Connection, location_id: str, *, after_sku: str = "") -> list[Stock]:
    """Return a page of the stock of a location, by sku; the next one begins after the last sku."""
    rows = await connection.fetch(
        "SELECT * FROM stock WHERE location_id = $1 AND sku > $2 ORDER BY sku LIMIT $3",
        location_id,
        after_sku,
        PAGE_MAX,
    )
    return [_stock(row) for row in rows]


async def stock_of_sku(connection: asyncpg.Connection, sku: str, *, after_location_id: str = "") -> list[Stock]:
    """Return a page of the stock of a sku, by location; the next one begins after the last location."""
    rows = await connection.fetch(
        "SELECT * FROM stock WHERE sku = $1 AND location_id > $2 ORDER BY location_id LIMIT $3",
        sku,
        after_location_id,
        PAGE_MAX,
    )
    return [_stock(row) for row in rows]


async def movements_of_sku(
    connection: asyncpg.Connection, sku: str, *, location_id: str | None = None, limit: int = PAGE_MAX
) -> list[Movement]:
    """Return the latest movements of a sku, everywhere or at one location, the newest first."""
    here = "" if location_id is None else "AND location_id = $3"
    rows = await connection.fetch(
        f"SELECT * FROM movements WHERE sku = $1 {here} ORDER BY moved_at DESC, movement_id DESC LIMIT $2",  # noqa: S608
        sku,
        min(limit, PAGE_MAX),
        *([] if location_id is None else [location_id]),
    )
    return [_movement(row) for row in rows]


async def on_hand(connection: asyncpg.Connection) -> dict[StockKey, int]:
    """Return what is on hand of everything everywhere: for reconciliation, not for a page."""
    rows = await connection.fetch("SELECT location_id, sku, on_hand FROM stock")
    return {(row["location_id"], row["sku"]): row["on_hand"] for row in rows}


_DRIFT = """
WITH moved AS (
    SELECT location_id, sku, sum(change_quantity) AS quantity FROM movements GROUP BY location_id, sku
), held AS (
    SELECT location_id, sku, sum(reserved + picked) AS quantity
    FROM reservations, jsonb_to_recordset(lines) AS line(location_id text, sku text, reserved int, picked int)
    GROUP BY location_id, sku
)
SELECT location_id, sku,
    coalesce(stock.on_hand, 0) - coalesce(moved.quantity, 0) AS on_hand,
    coalesce(stock.reserved, 0) - coalesce(held.quantity, 0) AS reserved
FROM stock FULL JOIN moved USING (location_id, sku) FULL JOIN held USING (location_id, sku)
WHERE coalesce(stock.on_hand, 0) <> coalesce(moved.quantity, 0)
    OR coalesce(stock.reserved, 0) <> coalesce(held.quantity, 0)
ORDER BY location_id, sku
"""


async def drift(connection: asyncpg.Connection) -> dict[StockKey, tuple[int, int]]:
    """Return where on hand is not the sum of its movements, or reserved not the sum of what is held: nowhere.

    The values are by how many pieces on hand and reserved are too high.
    """
    rows = await connection.fetch(_DRIFT)
    return {(row["location_id"], row["sku"]): (int(row["on_hand"]), int(row["reserved"])) for row in rows}


_KEPT = """
SELECT order_id, line_id, sum(reserved + picked) AS quantity
FROM reservations, jsonb_to_recordset(lines) AS line(line_id text, reserved int, picked int)
WHERE reserved + picked > 0 GROUP BY order_id, line_id
"""


async def kept(connection: asyncpg.Connection) -> dict[tuple[str, str], int]:
    """Return the pieces that are kept for each order line, wherever they lie: for reconciliation."""
    rows = await connection.fetch(_KEPT)
    return {(row["order_id"], row["line_id"]): int(row["quantity"]) for row in rows}
