"""A movement that is written stays: the journal of stock is corrected by another movement."""

from alembic.operations import Operations

revision = "inventory_0003"
down_revision = "inventory_0002"


def upgrade(op: Operations) -> None:
    """Refuse to change, delete or empty it."""
    op.execute("""
        CREATE FUNCTION journal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE restrict_violation USING
            MESSAGE = 'a journal is never changed: correct it by another movement', CONSTRAINT = 'journal_is_final';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON movements
        FOR EACH STATEMENT EXECUTE FUNCTION journal_is_final()
    """)
