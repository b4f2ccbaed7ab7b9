"""Orders, and the locations that they name."""

from alembic.operations import Operations
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "order_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create both."""
    _locations(op)
    _orders(op)
    _walls_of_orders(op)


def _locations(op: Operations) -> None:
    op.create_table(
        "locations",
        Column("location_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("location_id", name="pk_locations"),
        CheckConstraint("kind IN ('online', 'store', 'warehouse', 'partner')", name="ck_locations_kind"),
        comment="Places, as the master data describes them.",
    )


def _orders(op: Operations) -> None:
    op.create_table(
        "orders",
        Column("order_id", Text, nullable=False),
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
        PrimaryKeyConstraint("order_id", name="pk_orders"),
        comment="Every order of every channel, rejected ones too.",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_orders_customer",
        "orders",
        ["customer_id", "placed_at", "order_id"],
        postgresql_where=text("customer_id IS NOT NULL"),
    )


def _walls_of_orders(op: Operations) -> None:
    walls = {
        "status": "status IN "
        "('placed', 'confirmed', 'ready', 'partly_collected', 'completed', 'cancelled', 'rejected')",
        "when_short": "when_short IN ('reject_order', 'reject_line')",
        "buckets": "least(open_quantity, collected_quantity, cancelled_quantity) >= 0",
        "conserved": "ordered_quantity = open_quantity + collected_quantity + cancelled_quantity",
        "ended_when_nothing_open": "(status IN ('completed', 'cancelled', 'rejected')) = (open_quantity = 0)",
        "rejected_for_a_reason": "(status = 'rejected') = (rejections <> '[]')",
        "cancelled_whole": "status NOT IN ('cancelled', 'rejected') OR collected_quantity = 0",
        "paid": "status = 'rejected' OR paid_minor = due_minor",
        "never_more_than_paid": "refunded_minor BETWEEN 0 AND paid_minor",
        "refunded": "refunded_minor = owed_back_minor",
    }
    for name, condition in walls.items():
        op.create_check_constraint(f"ck_orders_{name}", "orders", condition)
