"""The work of the stores on orders, and when the stores are open."""

from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "fulfilment_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create both."""
    _locations(op)
    _fulfilments(op)


def _locations(op: Operations) -> None:
    op.create_table(
        "location",
        Column("location_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("time_zone", Text, nullable=False),
        Column("opening_hours", JSONB, nullable=False, comment="[{day, opens, closes}], local time; none: always open"),
        Column("closed_on", JSONB, nullable=False, comment="local dates"),
        PrimaryKeyConstraint("location_id", name="pk_location"),
        comment="When locations are open, as the master data describe them.",
    )


def _fulfilments(op: Operations) -> None:
    op.create_table(
        "fulfilment",
        Column("order_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("tasks", JSONB, nullable=False, comment="what each store does for the order, by line and bucket"),
        Column("open_at", JSONB, nullable=False, comment="the locations that still have something to do"),
        Column("quantity", Integer, nullable=False, comment="pieces asked for, in one of the buckets each"),
        Column("to_pick", Integer, nullable=False),
        Column("picked", Integer, nullable=False),
        Column("collected", Integer, nullable=False),
        Column("short", Integer, nullable=False),
        Column("cancelled", Integer, nullable=False),
        Column("expired", Integer, nullable=False),
        PrimaryKeyConstraint("order_id", name="pk_fulfilment"),
        CheckConstraint("quantity > 0", name="ck_fulfilment_asks_for_something"),
        CheckConstraint(
            "least(to_pick, picked, collected, short, cancelled, expired) >= 0",
            name="ck_fulfilment_never_below_nothing",
        ),
        CheckConstraint(
            "to_pick + picked + collected + short + cancelled + expired = quantity",
            name="ck_fulfilment_every_piece_is_somewhere",
        ),
        CheckConstraint("(open_at = '[]') = (to_pick + picked = 0)", name="ck_fulfilment_open_where_pieces_are"),
        comment="The stores' work on each order.",
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_fulfilment_open_at",
        "fulfilment",
        ["open_at"],
        postgresql_using="gin",
        postgresql_where=text("open_at <> '[]'"),
    )
