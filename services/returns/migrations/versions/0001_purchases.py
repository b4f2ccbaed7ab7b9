"""What was bought, and so may come back."""

from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB

revision = "returns_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "purchase",
        Column("order_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("customer_id", Text, comment="the channel's token; none where nobody knows who bought"),
        Column("currency", Text, nullable=False),
        Column("placed_at", DateTime(timezone=True), nullable=False),
        Column("lines", JSONB, nullable=False, comment="what was bought, for how much, and handed over where and when"),
        Column("quantity", Integer, nullable=False, comment="pieces bought"),
        Column("handed_over", Integer, nullable=False, comment="pieces that the customer has got"),
        PrimaryKeyConstraint("order_id", name="pk_purchase"),
        CheckConstraint("quantity > 0", name="ck_purchase_buys_something"),
        CheckConstraint("handed_over BETWEEN 0 AND quantity", name="ck_purchase_never_more_than_bought"),
        comment="What was bought in each order, and so what may come back.",
        postgresql_with={"fillfactor": 80},
    )
