"""Cancelling: what somebody asks for, and what a hold that ran out asks for."""

from collections.abc import Iterable, Mapping

from services.order.domain import causes, refusals
from services.order.domain.call_off import call_off
from services.order.domain.move import total
from services.order.domain.state import Bucket, Line, Order
from shared.events.channel import OrderCancellationRequested
from shared.events.event import LineQuantity, Reason
from shared.events.fulfilment import CancellationDeclined
from shared.events.inventory import HoldExpired
from shared.events.order import CancellationAsked, CancellationRefused
from shared.events.reasons import reason
from shared.kernel.decision import Answer, Decision, Given, NotYet, Refused

CAUSES = {"customer": causes.CustomerRequest, "associate": causes.AssociateRequest}


def cancel(requested: OrderCancellationRequested, given: Given, *, order: Order | None) -> Answer:
    """Cancel what somebody asks for, all of the request or nothing; without lines, all that is open."""
    if order is None:
        return _refuse(requested.order_id, given.message_id, {refusals.OrderUnknown: requested.lines})
    if not requested.lines and not order.open_quantity:
        return _refuse(order.order_id, given.message_id, {_gone(order.collected_quantity): ()})
    wanted = total(requested.lines) or {line.line_id: line.pieces.open for line in order.open_lines()}
    refused: dict[type[Refused], list[LineQuantity]] = {}
    for each in requested.lines:
        if refusal := _refusal(order.line(each.line_id), wanted[each.line_id]):
            refused.setdefault(refusal, []).append(each)
    if refused:
        return _refuse(order.order_id, given.message_id, refused)
    return _call_off_or_ask(
        order,
        wanted,
        request_id=given.message_id,
        why=reason(CAUSES[requested.requested_by]),
        ask_for=("reserved", "ready"),
    )


def let_go(expired: HoldExpired, given: Given, *, order: Order | None) -> Answer:
    """Cancel pieces that nobody picked while they were held; what is ready was picked."""
    if order is None:
        return NotYet(Order, expired.order_id)
    return _call_off_or_ask(
        order,
        total(expired.lines),
        request_id=given.message_id,
        why=reason(causes.HoldExpired),
        ask_for=("reserved",),
    )


def decline(declined: CancellationDeclined, given: Given, *, order: Order | None) -> Answer:
    """Tell whoever asked that fulfilment has pieces no more, and what became of them."""
    if order is None:
        return NotYet(Order, declined.order_id)
    refused: dict[type[Refused], list[LineQuantity]] = {}
    for each in declined.lines:
        line = order.line(each.line_id)
        refusal = refusals.LineUnknown if line is None else _gone(line.pieces.collected)
        refused.setdefault(refusal, []).append(each)
    return _refuse(order.order_id, declined.request_id, refused)


def _refusal(line: Line | None, quantity: int) -> type[Refused] | None:
    if line is None:
        return refusals.LineUnknown
    if quantity <= line.pieces.open:
        return None
    return refusals.MoreThanOpen if line.pieces.open else _gone(line.pieces.collected)


def _gone(collected: int) -> type[Refused]:
    """Return why pieces that are not open cannot be cancelled."""
    return refusals.AlreadyCollected if collected else refusals.AlreadyCancelled


def _refuse(order_id: str, request_id: str, refused: Mapping[type[Refused], Iterable[LineQuantity]]) -> Decision:
    """Refuse a request: one event for each refusal, with the lines that it is about."""
    return Decision(
        events=tuple(
            CancellationRefused(order_id=order_id, request_id=request_id, lines=tuple(lines), reason=reason(refusal))
            for refusal, lines in refused.items()
        )
    )


def _call_off_or_ask(
    order: Order, wanted: Mapping[str, int], *, request_id: str, why: Reason, ask_for: tuple[Bucket, ...]
) -> Decision:
    """Call pending pieces off at once; ask about the others, since only fulfilment knows what was handed over."""
    at_once: list[LineQuantity] = []
    asked: dict[str, list[LineQuantity]] = {}
    for line_id, quantity in wanted.items():
        if (line := order.line(line_id)) is None:
            continue
        now = min(quantity, line.pieces.pending)
        later = min(quantity - now, sum(getattr(line.pieces, bucket) for bucket in ask_for))
        if now:
            at_once.append(LineQuantity(line_id=line_id, quantity=now))
        if later:
            asked.setdefault(line.location_id, []).append(LineQuantity(line_id=line_id, quantity=later))
    asks = tuple(
        CancellationAsked(
            order_id=order.order_id, location_id=location_id, request_id=request_id, lines=tuple(lines), reason=why
        )
        for location_id, lines in asked.items()
    )
    return call_off(order, at_once, sources=("pending",), why=why) + Decision(events=asks)
