"""The pieces of an order, over all its lines, may be more than a small integer holds."""

from alembic.operations import Operations
from sqlalchemy import BigInteger

revision = "fulfilment_0002"
down_revision = "fulfilment_0001"


def upgrade(op: Operations) -> None:
    """Widen the sums."""
    for column in ("quantity", "to_pick", "picked", "collected", "short", "cancelled", "expired"):
        op.alter_column("fulfilment", column, type_=BigInteger(), existing_nullable=False)
