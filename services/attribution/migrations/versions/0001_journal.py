"""The journal and its walls, the sales it follows, and what it was told of the world."""

from alembic.operations import Operations
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB

revision = "attribution_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create the tables, then the walls around the journal."""
    _reference_data(op)
    _policies_and_sales(op)
    _entries(op)
    _postings_and_stock_entries(op)
    _balance_wall(op)
    _final_wall(op)


def _reference_data(op: Operations) -> None:
    op.create_table(
        "location",
        Column("location_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("cost_centre", Text, nullable=False),
        Column("owner_cost_centre", Text, nullable=False, comment="who owns the stock that is kept here"),
        Column("time_zone", Text, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("location_id", name="pk_location"),
    )
    op.create_table(
        "item",
        Column("sku", Text, nullable=False),
        Column("category", Text, nullable=False),
        Column("standard_cost_minor", BigInteger, nullable=False),
        Column("currency", Text, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("sku", name="pk_item"),
        CheckConstraint("standard_cost_minor >= 0", name="ck_item_cost_not_negative"),
    )
    op.create_table(
        "associate",
        Column("associate_id", Text, nullable=False),
        Column("location_id", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("associate_id", name="pk_associate"),
    )


def _policies_and_sales(op: Operations) -> None:
    op.create_table(
        "policies",
        Column("name", Text, nullable=False),
        Column("versions", JSONB, nullable=False),
        Column(
            "version", Integer, nullable=False, comment="of the row, as everywhere; the policies' own are in versions"
        ),
        PrimaryKeyConstraint("name", name="pk_policies"),
    )
    op.create_table(
        "sale",
        Column("order_id", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("brand", Text, nullable=False),
        Column("capture_location_id", Text, nullable=False),
        Column("associate_id", Text),
        Column("currency", Text, nullable=False),
        Column("placed_at", DateTime(timezone=True), nullable=False),
        Column("lines", JSONB, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("recognised", BigInteger, nullable=False, comment="pieces that have become final"),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("order_id", name="pk_sale"),
        CheckConstraint("recognised BETWEEN 0 AND quantity", name="ck_sale_recognised_within_quantity"),
    )


def _entries(op: Operations) -> None:
    op.create_table(
        "entry",
        Column("entry_id", Text, nullable=False),
        Column("cause_id", Text, nullable=False, comment="the message that it follows from"),
        Column("order_id", Text, nullable=False),
        Column("line_id", Text, nullable=False),
        Column("sku", Text, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("flow", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("capture_location_id", Text, nullable=False),
        Column("fulfil_location_id", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("net_minor", BigInteger, nullable=False),
        Column("cost_minor", BigInteger, comment="null: the standard cost is in another currency and was not booked"),
        Column("recognised_at", DateTime(timezone=True), nullable=False),
        Column("period", Text, nullable=False),
        Column("policy_version", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("holders", JSONB, nullable=False, comment="who played which role"),
        Column("shares", JSONB, nullable=False, comment="which role's portion went to whom, exact and rounded"),
        PrimaryKeyConstraint("entry_id", name="pk_entry"),
        CheckConstraint("quantity > 0", name="ck_entry_quantity_positive"),
        CheckConstraint("period ~ '^[0-9]{4}-[0-9]{2}$'", name="ck_entry_period_is_a_month"),
        comment="One row a recognition. Never changed: a correction is another entry.",
    )
    op.create_index("ix_entry_order_id", "entry", ["order_id"])


def _postings_and_stock_entries(op: Operations) -> None:
    op.create_table(
        "posting",
        Column("entry_id", Text, nullable=False),
        Column("ordinal", SmallInteger, nullable=False),
        Column("book", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("line", Text, nullable=False),
        Column("counterparty", Text, nullable=False),
        Column("amount", BigInteger, nullable=False),
        PrimaryKeyConstraint("entry_id", "ordinal", name="pk_posting"),
        CheckConstraint("book IN ('stock', 'budget', 'credit')", name="ck_posting_known_book"),
        CheckConstraint("amount <> 0", name="ck_posting_amount_not_zero"),
        comment="The postings of the entries in every book. Never changed.",
    )
    op.create_table(
        "stock_entry",
        Column("entry_id", Text, nullable=False),
        Column("cause_id", Text, nullable=False),
        Column("sku", Text, nullable=False),
        Column("source_account", Text, nullable=False),
        Column("target_account", Text, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("cause", Text, nullable=False),
        Column("moved_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("entry_id", name="pk_stock_entry"),
        CheckConstraint("quantity > 0", name="ck_stock_entry_quantity_positive"),
        CheckConstraint("source_account <> target_account", name="ck_stock_entry_goes_somewhere"),
        comment="Stock that moved without an order, from one account to another: balanced by its shape. Never changed.",
    )


def _balance_wall(op: Operations) -> None:
    op.execute("""
        CREATE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wrong text;
        BEGIN
            SELECT sums.entry_id INTO wrong
            FROM (
                SELECT entry_id,
                    coalesce(sum(amount) FILTER (WHERE book = 'stock'), 0) AS stock,
                    coalesce(sum(amount) FILTER (WHERE book = 'budget'), 0) AS budget,
                    coalesce(sum(amount) FILTER (WHERE book = 'credit'), 0) AS credit
                FROM fresh GROUP BY entry_id
            ) AS sums LEFT JOIN entry ON entry.entry_id = sums.entry_id
            WHERE stock <> 0 OR budget <> 0 OR credit IS DISTINCT FROM entry.net_minor
            LIMIT 1;
            IF FOUND THEN
                RAISE check_violation
                USING MESSAGE = 'entry ' || wrong || ' does not balance', CONSTRAINT = 'entry_balances';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER entry_balances AFTER INSERT ON posting
        REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION entry_balances()
    """)


def _final_wall(op: Operations) -> None:
    op.execute("""
        CREATE FUNCTION journal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE restrict_violation
            USING MESSAGE = 'a journal is never changed: correct it by another entry', CONSTRAINT = 'journal_is_final';
        END $$
    """)
    for table in ("entry", "posting", "stock_entry"):
        op.execute(f"""
            CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION journal_is_final()
        """)
