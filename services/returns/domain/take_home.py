"""Pieces were collected: from now on they can be brought back."""

from services.returns.domain.state import Handover, Purchase
from shared.events.fulfilment import FulfilmentCollected, news
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid, NotYet


def take_home(collected: FulfilmentCollected, given: Given, *, purchase: Purchase | None) -> Answer:
    """Remember what the customer got, where and when. Waits for the purchase.

    Invalid: `line-unknown`, and `more-than-bought` where more is collected than was bought and not yet handed over.
    """
    if purchase is None:
        return NotYet(Purchase, collected.order_id)
    before, noted = purchase, {line.line_id: line.handed_over for line in purchase.lines}
    for taken in news(collected.lines, noted):
        line = purchase.line(taken.line_id)
        if line is None:
            return Invalid("line-unknown", f"order {collected.order_id} has no line {taken.line_id}")
        left = line.quantity - line.handed_over
        if taken.quantity > left:
            text = f"{taken.quantity} pieces of line {taken.line_id} were collected, of {left} not yet handed over"
            return Invalid("more-than-bought", text)
        handover = Handover(collected.location_id, taken.quantity, collected.collected_at)
        purchase = purchase.with_line(line.with_handover(handover))
    return NOTHING if purchase == before else Decision(rows=(purchase,))
