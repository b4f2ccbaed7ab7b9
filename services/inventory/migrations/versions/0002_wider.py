"""Stock may go further below zero than a small integer holds: tills sell what the books do not know of."""

from alembic.operations import Operations
from sqlalchemy import BigInteger

revision = "inventory_0002"
down_revision = "inventory_0001"


def upgrade(op: Operations) -> None:
    """Widen what has no bound of its own."""
    for table, column in (("stock", "on_hand"), ("stock", "oversold"), ("movements", "change_quantity")):
        op.alter_column(table, column, type_=BigInteger(), existing_nullable=False)
