"""Recording what a till sold."""

from services.order.domain.purchase import digest_of, faults, placed, to_line, to_order
from services.order.domain.refusals import OrderIdTaken
from services.order.domain.state import Order
from shared.events.channel import SaleRecorded
from shared.events.order import OrderCompleted
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid


def record_sale(sale: SaleRecorded, given: Given, *, order: Order | None) -> Answer:
    """Take a sale as the fact that it is: the goods have left, so nothing is asked and nothing is waited for.

    A sale that contradicts itself or an order that we know is invalid: a person has to look at the till.
    """
    if order is not None:
        if digest_of(sale) == order.digest:
            return NOTHING
        return Invalid(OrderIdTaken.slug, f"order {order.order_id} is known already, with other content")
    if fault := next(faults(sale), None):
        return Invalid(fault.refusal.slug, fault.detail)
    store = sale.capture_location_id
    sold = to_order(
        sale,
        bought_at=given.believed_at(),
        lines=[to_line(line, method="carry_out", location_id=store, bucket="collected") for line in sale.lines],
    )
    return Decision(rows=(sold,), events=(placed(sale, sold, given), OrderCompleted(order_id=sold.order_id)))
