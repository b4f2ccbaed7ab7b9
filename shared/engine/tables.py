"""The tables that the engine keeps in every service's database."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, so that migrations can speak of them."""


def service_metadata() -> MetaData:
    """Return a new MetaData that holds the engine's tables; a service declares its own beside them."""
    metadata = MetaData(naming_convention=NAMING)
    _inbox(metadata)
    _outbox(metadata)
    _parked(metadata)
    _deadlines(metadata)
    _dead_letters(metadata)
    return metadata


def _inbox(metadata: MetaData) -> None:
    Table(
        "inbox",
        metadata,
        Column("source", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("digest", BigInteger, nullable=False, comment="of type and value: the same id with another is reused"),
        Column("received_at", DateTime(timezone=True), nullable=False),
        comment="Every event id that was taken into effect. Kept longer than any topic keeps its records.",
    )


def _outbox(metadata: MetaData) -> None:
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("headers", LargeBinary, nullable=False, comment="MessagePack: [[name, bytes or nil], ...]"),
        Column("written_at", DateTime(timezone=True), nullable=False),
        comment="What is still to be published, in the order of ids. The relay deletes what Kafka acknowledged.",
    )


def _parked(metadata: MetaData) -> None:
    Table(
        "parked",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
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
        Index("ix_parked_wait", "wait_kind", "wait_key", "id"),
        Index("ix_parked_stream", "stream"),
        Index("ix_parked_until", "until"),
        comment="Messages that came before the row that they stand on.",
    )


def _deadlines(metadata: MetaData) -> None:
    Table(
        "deadlines",
        metadata,
        Column("name", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("message_id", Text, nullable=False),
        Column("traceparent", Text, nullable=False),
        CheckConstraint("name <> ''", name="named"),
        Index("ix_deadlines_due", "due_at"),
        comment="Times by which something must have happened.",
    )


def _dead_letters(metadata: MetaData) -> None:
    Table(
        "dead_letters",
        metadata,
        Column("id", Text, primary_key=True, comment="derived from where the record lies"),
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
        CheckConstraint("state IN ('open', 'retrying', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="outcome"),
        CheckConstraint("(state = 'closed') = (headers IS NULL)", name="headers"),
        CheckConstraint("state <> 'closed' OR (key IS NULL AND value IS NULL)", name="forgotten"),
        Index("ix_dead_letters_first_failed_at", "first_failed_at", postgresql_where=text("state <> 'closed'")),
        Index(
            "ix_dead_letters_retrying",
            "topic",
            "partition",
            "record_offset",
            postgresql_where=text("state = 'retrying'"),
        ),
        Index("ix_dead_letters_holds", "holds", postgresql_where=text("state <> 'closed' AND holds <> ''")),
        comment="Records that could not be processed. A closed one is a note that it was there, without what it said.",
    )
