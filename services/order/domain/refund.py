"""Giving money back, over the tenders that paid."""

from collections.abc import Iterator

from services.order.domain.state import Order, Payment
from shared.events.channel import Tender
from shared.events.event import Reason
from shared.events.order import RefundRequested
from shared.kernel.value import replace


def refund(order: Order, why: Reason) -> tuple[Order, tuple[RefundRequested, ...]]:
    """Give back what is owed back and was not given back before: one request, or none where nothing is owed."""
    amount = order.owed_back_minor - order.refunded_minor
    if not amount:
        return order, ()
    requested = RefundRequested(
        order_id=order.order_id,
        currency=order.currency,
        amount_minor=amount,
        tenders=tuple(_over_tenders(order.payments, before=order.refunded_minor, amount=amount)),
        reason=why,
    )
    return replace(order, refunded_minor=order.refunded_minor + amount), (requested,)


def _over_tenders(payments: tuple[Payment, ...], *, before: int, amount: int) -> Iterator[Tender]:
    """Yield what goes back over each tender, the last one first, when `before` has gone back already."""
    start = 0
    for payment in reversed(payments):
        end = start + payment.amount_minor
        back = min(end, before + amount) - max(start, before)
        if back > 0:
            yield Tender(method=payment.method, amount_minor=back)
        start = end
