"""Placing an order that a channel submitted."""

from collections.abc import Iterable, Iterator, Mapping

from services.order.domain import refusals
from services.order.domain.purchase import digest_of, faults, placed, to_line, to_order
from services.order.domain.reject import announce_rejected
from services.order.domain.state import Bucket, Location, Order, Rejection
from shared.events.channel import OrderSubmitted, RequestedLine
from shared.events.order import SubmissionRefused
from shared.events.reasons import reason
from shared.kernel.decision import NOTHING, Answer, Decision, Given, NotYet, Refused


def places(submitted: OrderSubmitted) -> Iterator[str]:
    """Yield the locations that an order names."""
    yield submitted.capture_location_id
    for line in submitted.lines:
        if line.pickup_location_id is not None:
            yield line.pickup_location_id


def place(submitted: OrderSubmitted, given: Given, *, locations: Mapping[str, Location], order: Order | None) -> Answer:
    """Take an order on, or reject it with every reason found.

    Only an order that is good but for locations that nobody has described yet waits for them.
    """
    if order is not None:
        return _submitted_again(submitted, given, order)
    if found := [*_rejections(submitted, locations)]:
        return announce_rejected(_order(submitted, given, "cancelled", found))
    if missing := [*_missing(submitted, locations)]:
        key, _ = missing[0]
        unknown = _order(submitted, given, "cancelled", [rejection for _, rejection in missing])
        return NotYet(Location, key, otherwise=announce_rejected(unknown))
    taken_on = _order(submitted, given, "pending", [])
    return Decision(rows=(taken_on,), events=(placed(submitted, taken_on, given),))


def _submitted_again(submitted: OrderSubmitted, given: Given, order: Order) -> Decision:
    """Answer a submission whose order id is known: silence for the very same, a refusal that harms no order else."""
    if digest_of(submitted) == order.digest:
        return NOTHING
    refused = SubmissionRefused(
        order_id=order.order_id,
        request_id=given.message_id,
        reason=reason(refusals.OrderIdTaken),
        refund="by_hand" if any(tender.amount_minor for tender in submitted.tenders) else "none",
    )
    return Decision(events=(refused,))


def _rejections(submitted: OrderSubmitted, locations: Mapping[str, Location]) -> Iterator[Rejection]:
    for fault in faults(submitted):
        yield Rejection.of(fault.refusal, fault.line_id)
    for line in submitted.lines:
        if refusal := _refusal(line, locations):
            yield Rejection.of(refusal, line.line_id)


def _refusal(line: RequestedLine, locations: Mapping[str, Location]) -> type[Refused] | None:
    if line.method != "pickup":
        return refusals.MethodNotOffered
    if line.pickup_location_id is None:
        return refusals.PickupLocationMissing
    store = locations.get(line.pickup_location_id)
    return refusals.PickupNotPossibleThere if store is not None and store.kind == "online" else None


def _missing(submitted: OrderSubmitted, locations: Mapping[str, Location]) -> Iterator[tuple[str, Rejection]]:
    """Yield the locations that nobody has described, and how the order is rejected when nobody ever does."""
    if submitted.capture_location_id not in locations:
        yield submitted.capture_location_id, Rejection.of(refusals.LocationUnknown)
    for line in submitted.lines:
        if line.pickup_location_id is not None and line.pickup_location_id not in locations:
            yield line.pickup_location_id, Rejection.of(refusals.LocationUnknown, line.line_id)


def _order(submitted: OrderSubmitted, given: Given, bucket: Bucket, rejections: Iterable[Rejection]) -> Order:
    return to_order(
        submitted,
        bought_at=given.believed_at(),
        lines=[
            to_line(line, method=line.method, location_id=line.pickup_location_id or "", bucket=bucket)
            for line in submitted.lines
        ],
        when_short=submitted.when_short,
        rejections=rejections,
    )
