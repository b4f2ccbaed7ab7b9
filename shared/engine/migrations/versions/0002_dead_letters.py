"""Dead letters, kept until somebody has them tried again or discards them."""

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

revision = "engine_0002"
down_revision = "engine_0001"


def upgrade(op: Operations) -> None:
    """Create the table of dead letters. What was set aside before is on the dead-letter topics only."""
    op.create_table(
        "dead_letters",
        Column("id", Text, nullable=False, comment="derived from where the record lies"),
        Column("state", Text, nullable=False, comment="open, retrying or closed"),
        Column("attempts", Integer, nullable=False, comment="how often it was set aside"),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("timestamp_ms", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("headers", LargeBinary),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("handler", Text, nullable=False),
        Column("claimed", Boolean, nullable=False, comment="whether the inbox has its event id from this very record"),
        Column("first_failed_at", DateTime(timezone=True), nullable=False),
        Column("failed_at", DateTime(timezone=True), nullable=False),
        Column("holds", Text, nullable=False, comment="topic|key: its later messages must not be decided before it"),
        Column("outcome", Text, comment="how it was closed"),
        Column("note", Text, comment="why it was discarded"),
        Column("closed_at", DateTime(timezone=True)),
        PrimaryKeyConstraint("id", name="pk_dead_letters"),
        CheckConstraint("state IN ('open', 'retrying', 'closed')", name="ck_dead_letters_state"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="ck_dead_letters_outcome"),
        CheckConstraint("(state = 'closed') = (headers IS NULL)", name="ck_dead_letters_headers"),
        CheckConstraint("state <> 'closed' OR (key IS NULL AND value IS NULL)", name="ck_dead_letters_forgotten"),
        comment="Records that could not be processed. A closed one is a note that it was there, without what it said.",
    )
    op.create_index(
        "ix_dead_letters_first_failed_at",
        "dead_letters",
        ["first_failed_at"],
        postgresql_where=text("state <> 'closed'"),
    )
    op.create_index(
        "ix_dead_letters_retrying",
        "dead_letters",
        ["topic", "partition", "record_offset"],
        postgresql_where=text("state = 'retrying'"),
    )
    op.create_index(
        "ix_dead_letters_holds",
        "dead_letters",
        ["holds"],
        postgresql_where=text("state <> 'closed' AND holds <> ''"),
    )
