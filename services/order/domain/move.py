"""Moving pieces from bucket to bucket: the only way in which the lines of an order change."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from services.order.domain.state import Bucket, Buckets, Line, Order
from shared.kernel.value import Value, replace


class Pieces(Protocol):
    """Some pieces of a line, as the events of every service name them."""

    @property
    def line_id(self) -> str:
        """Which line."""

    @property
    def quantity(self) -> int:
        """How many."""


class Moved(Value):
    """What was moved of a line, and the line after it."""

    line: Line
    quantity: int

    @property
    def line_id(self) -> str:
        """Which line."""
        return self.line.line_id


def move(
    order: Order, wanted: Iterable[Pieces], *, sources: tuple[Bucket, ...], target: Bucket
) -> tuple[Order, tuple[Moved, ...]]:
    """Move pieces out of the source buckets, the first bucket first, and return what moved.

    Pieces that are not in the sources do not move: a message that repeats or contradicts an earlier one changes
    nothing, and what an earlier one left is all that a later one can take.
    """
    lines = {line.line_id: line for line in order.lines}
    moved = []
    for line_id, asked in total(wanted).items():
        if (line := lines.get(line_id)) is None:
            continue
        pieces = _poured(line.pieces, asked, sources, target)
        if quantity := getattr(pieces, target) - getattr(line.pieces, target):
            lines[line.line_id] = replace(line, pieces=pieces)
            moved.append(Moved(lines[line.line_id], quantity))
    return replace(order, lines=tuple(lines.values())) if moved else order, tuple(moved)


def total(pieces: Iterable[Pieces]) -> dict[str, int]:
    """Return how many pieces are meant of each line: a message may name a line in several parts."""
    quantities: Counter[str] = Counter()
    for each in pieces:
        quantities[each.line_id] += each.quantity
    return dict(quantities)


def _poured(pieces: Buckets, quantity: int, sources: tuple[Bucket, ...], target: Bucket) -> Buckets:
    for source in sources:
        there: int = getattr(pieces, source)
        taken = min(quantity, there)
        pieces = replace(pieces, **{source: there - taken, target: getattr(pieces, target) + taken})
        quantity -= taken
    return pieces
