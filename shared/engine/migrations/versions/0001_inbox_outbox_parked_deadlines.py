"""What the engine keeps in every service's database."""

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

revision = "engine_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create inbox, outbox, parked messages and deadlines."""
    _inbox_and_outbox(op)
    _parked(op)
    _deadlines(op)


def _inbox_and_outbox(op: Operations) -> None:
    op.create_table(
        "inbox",
        Column("source", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("digest", BigInteger, nullable=False, comment="of type and value: the same id with another is reused"),
        Column("received_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("source", "id", name="pk_inbox"),
        comment="Every event id that was taken into effect. Kept longer than any topic keeps its records.",
    )
    op.create_table(
        "outbox",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("headers", LargeBinary, nullable=False, comment="MessagePack: [[name, bytes or nil], ...]"),
        Column("written_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="pk_outbox"),
        comment="What is still to be published, in the order of ids. The relay deletes what Kafka acknowledged.",
    )


def _parked(op: Operations) -> None:
    op.create_table(
        "parked",
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("wait_kind", Text, nullable=False),
        Column("wait_key", Text, nullable=False),
        Column("stream", Text, nullable=False, comment="topic|key: later messages of it wait behind this one"),
        Column("until", DateTime(timezone=True), nullable=False),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("timestamp_ms", BigInteger, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("headers", LargeBinary, nullable=False),
        PrimaryKeyConstraint("id", name="pk_parked"),
        comment="Messages that came before the row that they stand on.",
    )
    op.create_index("ix_parked_stream", "parked", ["stream"])
    op.create_index("ix_parked_until", "parked", ["until"])
    op.create_index("ix_parked_wait", "parked", ["wait_kind", "wait_key", "id"])


def _deadlines(op: Operations) -> None:
    op.create_table(
        "deadlines",
        Column("name", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("message_id", Text, nullable=False),
        Column("traceparent", Text, nullable=False),
        PrimaryKeyConstraint("name", "key", name="pk_deadlines"),
        CheckConstraint("name <> ''", name="ck_deadlines_named"),
        comment="Times by which something must have happened.",
    )
    op.create_index("ix_deadlines_due", "deadlines", ["due_at"])
