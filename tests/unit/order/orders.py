"""Orders to test with: two shirts and a pair of trousers, bought on the web, to be collected in the store of Moda."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.order.domain.purchase import digest_of
from services.order.domain.state import Buckets, Line, Location, Order, Payment
from shared.events.channel import OrderSubmitted, RequestedLine, SaleRecorded, SoldLine, Tender
from shared.events.event import LineQuantity, Reason
from shared.events.order import OrderLineCancelled, RefundRequested
from shared.kernel.decision import Decision, Given, Refused

BOUGHT_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
GIVEN = Given(
    now=BOUGHT_AT + timedelta(seconds=3), occurred_at=BOUGHT_AT, source="/shop", message_id="message-1", service="order"
)
WEB = Location("web", "online")
MODA = Location("moda", "store")
KADIKOY = Location("kadikoy", "store")
PLACES = {place.location_id: place for place in (WEB, MODA, KADIKOY)}


def wanted(line_id: str, **changes: Any) -> RequestedLine:
    """Two pieces at 10.00 with 20 % tax, to be collected in Moda."""
    usual = {"sku": f"sku-{line_id}", "quantity": 2, "gross_minor": 2000, "net_minor": 2000, "tax_minor": 400}
    return RequestedLine(**{"line_id": line_id, "pickup_location_id": "moda", **usual, **changes})


def submission(*lines: RequestedLine, **changes: Any) -> OrderSubmitted:
    """An order on the web, paid by card to the last cent."""
    lines = lines or (wanted("shirts"),)
    if "tenders" not in changes:
        changes["tenders"] = paid("card", lines)
    usual = {"order_id": "order-1", "channel": "web", "brand": "tekil", "capture_location_id": "web"}
    return OrderSubmitted(**{**usual, "currency": "TRY", "lines": lines, **changes})


def sale(*lines: SoldLine, **changes: Any) -> SaleRecorded:
    """What a till in Moda sold for cash."""
    if "tenders" not in changes:
        changes["tenders"] = paid("cash", lines)
    usual = {"order_id": "order-1", "brand": "tekil", "capture_location_id": "moda", "currency": "TRY"}
    return SaleRecorded(**{**usual, "lines": lines, **changes})


def paid(method: str, lines: Iterable[SoldLine]) -> tuple[Tender, ...]:
    """One tender that pays for all lines."""
    return (Tender(method=method, amount_minor=sum(line.net_minor + line.tax_minor for line in lines)),)


def line(line_id: str, *, net: int = 2000, tax: int = 400, at: str = "moda", **pieces: int) -> Line:
    """A line with its pieces in these buckets."""
    buckets = Buckets(**pieces)
    return Line(line_id, f"sku-{line_id}", buckets.all, net, tax, "pickup", at, buckets)


def order(*lines: Line, **changes: Any) -> Order:
    """An order of these lines, paid by card; what was cancelled before is refunded already."""
    usual = {
        "order_id": "order-1",
        "channel": "web",
        "brand": "tekil",
        "capture_location_id": "web",
        "associate_id": None,
        "customer_id": None,
        "currency": "TRY",
        "placed_at": BOUGHT_AT,
        "digest": digest_of(submission()),
        "when_short": "reject_order",
        "payments": (Payment("card", sum(each.due_minor for each in lines)),),
        "refunded_minor": sum(each.cancelled_minor for each in lines),
    }
    return Order(**{**usual, "lines": lines, **changes})


def pieces(order: Order) -> dict[str, Buckets]:
    """Where the pieces of each line are."""
    return {line.line_id: line.pieces for line in order.lines}


def the_order(decision: object) -> Order:
    """The order as a decision leaves it."""
    assert isinstance(decision, Decision)
    (row,) = decision.rows
    assert isinstance(row, Order)
    return row


def why(refusal: type[Refused], line_id: str | None = None) -> Reason:
    """The reason as events carry it."""
    return Reason(slug=refusal.slug, sentence=refusal.sentence, line_id=line_id)


def some(line_id: str, quantity: int) -> LineQuantity:
    """Pieces of a line."""
    return LineQuantity(line_id=line_id, quantity=quantity)


def cancelled(line_id: str, quantity: int, cause: type[Refused]) -> OrderLineCancelled:
    """Pieces of a line of the order will not be delivered."""
    return OrderLineCancelled(order_id="order-1", line_id=line_id, quantity=quantity, reason=why(cause))


def refund(amount: int, cause: type[Refused], **tenders: int) -> RefundRequested:
    """Money goes back, over the card unless other tenders are named."""
    over = tuple(Tender(method=method, amount_minor=back) for method, back in (tenders or {"card": amount}).items())
    return RefundRequested(order_id="order-1", currency="TRY", amount_minor=amount, tenders=over, reason=why(cause))
