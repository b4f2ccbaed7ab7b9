"""The tables of returns, and what people ask of them."""

import asyncpg
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.returns.domain.state import Purchase
from shared.engine.rows import Codec, Rows
from shared.engine.tables import service_metadata

metadata = service_metadata()

purchases = Table(
    "purchase",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("customer_id", Text, comment="the channel's token; none where nobody knows who bought"),
    Column("currency", Text, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("lines", JSONB, nullable=False, comment="what was bought, for how much, and handed over where and when"),
    Column("quantity", BigInteger, nullable=False, comment="pieces bought"),
    Column("handed_over", BigInteger, nullable=False, comment="pieces that the customer has got"),
    CheckConstraint("quantity > 0", name="buys_something"),
    CheckConstraint("handed_over BETWEEN 0 AND quantity", name="never_more_than_bought"),
    postgresql_with={"fillfactor": 80},
    comment="What was bought in each order, and so what may come back.",
)

PURCHASES = Rows(purchases, Purchase)
ROWS = (PURCHASES,)
"""In the order in which they are locked."""

Reader = asyncpg.Connection | asyncpg.Pool
"""What a query may be asked through."""

_to_purchase = Codec(PURCHASES).to_value


async def purchase_of(reader: Reader, order_id: str) -> Purchase | None:
    """Return what was bought in an order and what of it could come back."""
    record = await reader.fetchrow("SELECT * FROM purchase WHERE order_id = $1", order_id)
    return _to_purchase(record) if record else None
