"""The journal's walls against what a person may do by mistake: post twice, post nothing, empty a table."""

from alembic.operations import Operations

revision = "attribution_0002"
down_revision = "attribution_0001"


def upgrade(op: Operations) -> None:
    """Raise the two walls that stand, and build a third."""
    _balance_wall(op)
    _posted_wall(op)
    _final_wall(op)


def _balance_wall(op: Operations) -> None:
    op.execute("""
        CREATE OR REPLACE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE wrong text;
        BEGIN
            SELECT sums.entry_id INTO wrong
            FROM (
                SELECT entry_id, min(ordinal) AS beginning,
                    coalesce(sum(amount) FILTER (WHERE book = 'stock'), 0) AS stock,
                    coalesce(sum(amount) FILTER (WHERE book = 'budget'), 0) AS budget,
                    coalesce(sum(amount) FILTER (WHERE book = 'credit'), 0) AS credit
                FROM fresh GROUP BY entry_id) AS sums LEFT JOIN entry USING (entry_id)
            WHERE beginning <> 0 OR stock <> 0 OR budget <> 0 OR credit IS DISTINCT FROM entry.net_minor LIMIT 1;
            IF FOUND THEN RAISE check_violation USING
                MESSAGE = 'entry ' || wrong || ' does not balance', CONSTRAINT = 'entry_balances',
                HINT = 'All its postings come in one statement, from ordinal 0.';
            END IF;
            RETURN NULL;
        END $$
    """)


def _posted_wall(op: Operations) -> None:
    op.execute("""
        CREATE FUNCTION entry_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM posting WHERE entry_id = NEW.entry_id) THEN RAISE check_violation USING
                MESSAGE = 'entry ' || NEW.entry_id || ' has no postings', CONSTRAINT = 'entry_is_posted';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER entry_is_posted AFTER INSERT ON entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_is_posted()
    """)


def _final_wall(op: Operations) -> None:
    for table in ("entry", "posting", "stock_entry"):
        op.execute(f"""
            CREATE OR REPLACE TRIGGER journal_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION journal_is_final()
        """)
