"""The pieces of a purchase, over all its lines, may be more than a small integer holds."""

from alembic.operations import Operations
from sqlalchemy import BigInteger

revision = "returns_0002"
down_revision = "returns_0001"


def upgrade(op: Operations) -> None:
    """Widen the sums."""
    for column in ("quantity", "handed_over"):
        op.alter_column("purchase", column, type_=BigInteger(), existing_nullable=False)
