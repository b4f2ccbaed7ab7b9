"""Stock, what is held of it for orders, and the journal of its movements."""

from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB

revision = "inventory_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create all three."""
    _reservations(op)
    _stock(op)
    _movements(op)


def _reservations(op: Operations) -> None:
    op.create_table(
        "reservations",
        Column("order_id", Text, nullable=False),
        Column("lines", JSONB, nullable=False, comment="per line: pieces reserved, picked, issued, released, short"),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("order_id", name="pk_reservations"),
        CheckConstraint("jsonb_typeof(lines) = 'array'", name="ck_reservations_lines_listed"),
        CheckConstraint("NOT jsonb_path_exists(lines, '$[*].* ? (@ < 0)')", name="ck_reservations_pieces_not_negative"),
        comment="What is held for an order. A row without lines says that the order was decided about.",
        postgresql_with={"fillfactor": 70},
    )


def _stock(op: Operations) -> None:
    op.create_table(
        "stock",
        Column("location_id", Text, nullable=False),
        Column("sku", Text, nullable=False),
        Column(
            "on_hand", Integer, nullable=False, comment="by the books: below zero where more was sold than they knew of"
        ),
        Column("reserved", Integer, nullable=False, comment="kept for orders"),
        Column("blocked", Integer, nullable=False, comment="not found when picked, until counted"),
        Column("safety", Integer, nullable=False, comment="kept back from promises"),
        Column("oversold", Integer, nullable=False, comment="reserved and blocked that on hand does not cover"),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("location_id", "sku", name="pk_stock"),
        CheckConstraint("reserved >= 0", name="ck_stock_reserved_not_negative"),
        CheckConstraint("blocked >= 0", name="ck_stock_blocked_not_negative"),
        CheckConstraint("safety >= 0", name="ck_stock_safety_not_negative"),
        CheckConstraint("oversold = greatest(0, reserved + blocked - on_hand)", name="ck_stock_oversold_declared"),
        comment="Pieces of a sku at a location.",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_stock_sku", "stock", ["sku", "location_id"])


def _movements(op: Operations) -> None:
    op.create_table(
        "movements",
        Column("movement_id", Text, nullable=False),
        Column("location_id", Text, nullable=False),
        Column("sku", Text, nullable=False),
        Column("change_quantity", Integer, nullable=False),
        Column("cause", Text, nullable=False),
        Column("message_id", Text, nullable=False, comment="the event that told of it"),
        Column("moved_at", DateTime(timezone=True), nullable=False, comment="when it happened, by whoever told of it"),
        Column("order_id", Text),
        Column("line_id", Text),
        PrimaryKeyConstraint("movement_id", name="pk_movements"),
        CheckConstraint("change_quantity <> 0", name="ck_movements_something_moved"),
        CheckConstraint(
            "cause IN ('carried_out', 'collected', 'received', 'counted', 'adjusted')", name="ck_movements_cause_known"
        ),
        CheckConstraint(
            "(cause IN ('carried_out', 'collected')) = (order_id IS NOT NULL)", name="ck_movements_cause_of_order"
        ),
        CheckConstraint("(order_id IS NULL) = (line_id IS NULL)", name="ck_movements_line_of_order"),
        CheckConstraint("order_id IS NULL OR change_quantity < 0", name="ck_movements_orders_take"),
        comment="Every change of what is on hand, written once. Their sum is what is on hand.",
    )
    op.create_index("ix_movements_sku", "movements", ["sku", "location_id", "moved_at"])
