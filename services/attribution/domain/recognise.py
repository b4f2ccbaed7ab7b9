"""What every recognition has in common: pieces of a sale become final, each line's in an entry of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.attribution.domain.booking import book
from services.attribution.domain.policy import Policy
from services.attribution.domain.recognition import Players, Recognition
from services.attribution.domain.state import Item, Sale
from shared.events.fulfilment import TaskLine
from shared.events.order import PlacedLine
from shared.kernel.decision import Answer, Decision, Given, Invalid, NotYet
from shared.kernel.value import Value


class Occasion(Value):
    """What the lines that become final together share."""

    players: Players
    recognised_at: datetime
    policy: Policy


def recognise(
    sale: Sale, taken: Sequence[PlacedLine | TaskLine], given: Given, *, items: Mapping[str, Item], occasion: Occasion
) -> Answer:
    """Book these pieces, once their items are described.

    A message about pieces that were never sold, or are final already, is Invalid: nothing of it is booked.
    """
    bookings = []
    for ordinal, each in enumerate(taken):
        line = sale.line(each.line_id)
        if line is None:
            return Invalid("line-unknown", f"order {sale.order_id} has no line {each.line_id}")
        if each.quantity > line.quantity - line.recognised:
            return Invalid(
                "more-than-sold",
                f"{each.quantity} of line {line.line_id} became final after {line.recognised} of {line.quantity}",
            )
        if line.sku not in items:
            return NotYet(Item, line.sku)
        recognition = Recognition(
            sale=sale,
            line=line,
            quantity=each.quantity,
            item=items[line.sku],
            players=occasion.players,
            recognised_at=occasion.recognised_at,
        )
        entry_id = given.new_id(f"entry:{ordinal}")
        bookings.append(book(recognition, occasion.policy, entry_id=entry_id, cause_id=given.message_id))
        sale = sale.recognising(line.line_id, each.quantity)
    rows = (row for booking in bookings for row in booking.rows)
    return Decision(rows=(sale, *rows), events=tuple(booking.event for booking in bookings))
