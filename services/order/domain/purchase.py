"""What a submitted order and a recorded sale share: their sums, their digest, and the order that they become."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b

from services.order.domain.refusals import LineIdRepeated, SumsDoNotAddUp
from services.order.domain.state import Bucket, Buckets, Line, Order, Payment, Rejection, WhenShort
from shared.events.channel import Method, OrderSubmitted, SaleRecorded, SoldLine
from shared.events.order import OrderPlaced, PlacedLine
from shared.kernel.decision import Given, Refused
from shared.kernel.value import Value

Purchase = OrderSubmitted | SaleRecorded


class Fault(Value):
    """Something wrong with a purchase: which refusal it is, and in detail what and by how much."""

    refusal: type[Refused]
    detail: str
    line_id: str | None = None


def faults(purchase: Purchase) -> Iterator[Fault]:
    """Yield what is wrong with the ids and sums: of each line net = gross - discounts, of all tenders = net + tax."""
    for line_id, times in Counter(line.line_id for line in purchase.lines).items():
        if times > 1:
            yield Fault(LineIdRepeated, f"{times} lines have the id {line_id}", line_id)
    for line in purchase.lines:
        discounts = sum(discount.amount_minor for discount in line.discounts)
        if off := line.net_minor - (line.gross_minor - discounts):
            detail = f"line {line.line_id}: net {line.net_minor} is {off:+} off gross less discounts"
            yield Fault(SumsDoNotAddUp, detail, line.line_id)
    due = sum(line.net_minor + line.tax_minor for line in purchase.lines)
    paid = sum(tender.amount_minor for tender in purchase.tenders)
    if paid != due:
        yield Fault(SumsDoNotAddUp, f"tenders {paid} are {paid - due:+} off net and tax of all lines")


def digest_of(purchase: Purchase) -> str:
    """Return what tells this purchase from any other with its id.

    Values that are the default are left out, so that it stays the same when the event type grows.
    """
    body = purchase.model_dump_json(exclude_defaults=True).encode()
    return blake2b(body, digest_size=16, key=purchase.TYPE.encode()).hexdigest()


def to_order(
    purchase: Purchase,
    *,
    bought_at: datetime,
    lines: Iterable[Line],
    when_short: WhenShort = "reject_order",
    rejections: Iterable[Rejection] = (),
) -> Order:
    """Return the order that a purchase becomes."""
    return Order(
        order_id=purchase.order_id,
        channel=purchase.channel,
        brand=purchase.brand,
        capture_location_id=purchase.capture_location_id,
        associate_id=purchase.associate_id,
        customer_id=purchase.customer_id,
        currency=purchase.currency,
        placed_at=bought_at,
        digest=digest_of(purchase),
        when_short=when_short,
        lines=tuple(lines),
        payments=tuple(Payment(tender.method, tender.amount_minor) for tender in purchase.tenders),
        rejections=tuple(rejections),
    )


def to_line(sold: SoldLine, *, method: Method, location_id: str, bucket: Bucket) -> Line:
    """Return a line with all its pieces in one bucket."""
    return Line(
        line_id=sold.line_id,
        sku=sold.sku,
        quantity=sold.quantity,
        net_minor=sold.net_minor,
        tax_minor=sold.tax_minor,
        method=method,
        location_id=location_id,
        pieces=Buckets(**{bucket: sold.quantity}),
    )


def placed(purchase: Purchase, order: Order, given: Given) -> OrderPlaced:
    """Say that the order is ours."""
    return OrderPlaced(
        order_id=order.order_id,
        channel=order.channel,
        brand=order.brand,
        capture_location_id=order.capture_location_id,
        associate_id=order.associate_id,
        customer_id=order.customer_id,
        currency=order.currency,
        lines=tuple(_placed_line(sold, line) for sold, line in zip(purchase.lines, order.lines, strict=True)),
        tenders=purchase.tenders,
        when_short=order.when_short,
        placed_at=order.placed_at,
        claimed_at=given.not_believed(order.placed_at),
    )


def _placed_line(sold: SoldLine, line: Line) -> PlacedLine:
    return PlacedLine(
        line_id=sold.line_id,
        sku=sold.sku,
        quantity=sold.quantity,
        gross_minor=sold.gross_minor,
        discounts=sold.discounts,
        net_minor=sold.net_minor,
        tax_minor=sold.tax_minor,
        method=line.method,
        location_id=line.location_id,
    )
