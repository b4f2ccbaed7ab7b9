"""Stock on hand changed without an order: the stock book follows, so that it always equals the shelf."""

from services.attribution.domain.books import transfer
from services.attribution.domain.state import StockEntry
from shared.events.accounts import ADJUSTMENT, SUPPLIER
from shared.events.attribution import StockPosted
from shared.events.inventory import StockMoved
from shared.kernel.decision import NOTHING, Answer, Decision, Given


def move_stock(moved: StockMoved, given: Given) -> Answer:
    """Post the pieces between the location and whoever it had them from or lost them to."""
    if moved.change_quantity == 0:
        return NOTHING
    outside = SUPPLIER if moved.cause == "received" else ADJUSTMENT
    gained = moved.change_quantity > 0
    entry = StockEntry(
        entry_id=given.new_id("entry:0"),
        cause_id=given.message_id,
        sku=moved.sku,
        source_account=outside if gained else moved.location_id,
        target_account=moved.location_id if gained else outside,
        quantity=abs(moved.change_quantity),
        cause=moved.cause,
        moved_at=moved.moved_at,
    )
    posted = StockPosted(
        location_id=moved.location_id,
        sku=moved.sku,
        entry_id=entry.entry_id,
        cause=moved.cause,
        recognised_at=moved.moved_at,
        postings=transfer(source=entry.source_account, target=entry.target_account, quantity=entry.quantity),
    )
    return Decision(rows=(entry,), events=(posted,))
