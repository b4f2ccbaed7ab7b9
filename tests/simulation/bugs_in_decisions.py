"""Bugs in what the services decide."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.attribution import service as attribution_service
from services.attribution.domain import books, recognition
from services.attribution.domain import place as placing
from services.attribution.domain.move_stock import move_stock
from services.attribution.domain.policy import Portion
from services.attribution.domain.state import Sale
from services.fulfilment.domain import hand_over as handing_over
from services.fulfilment.domain import pick as picking
from services.fulfilment.domain import ready as getting_ready
from services.fulfilment.domain.codes import PickupCodes
from services.fulfilment.domain.deadlines import PICKUP
from services.inventory.domain import issue, release, reserve
from services.inventory.domain import pick as missing
from services.inventory.domain.state import HeldLine, Stock, stock_at
from services.order import service as order_service
from services.order.domain import call_off, cancel, confirm, fall_short, refund
from services.order.domain.state import Order
from services.returns import service as returns_service
from services.returns.domain.take_home import take_home
from shared.events.event import LineQuantity
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, Given
from shared.kernel.value import replace
from tests.simulation.mutants import Mutant

Held = tuple[HeldLine, Stock]


def refund_and_forget(order: Order, why: Any) -> Any:
    return order, refund.refund(order, why)[1]


def cancel_without_asking(order: Order, wanted: Mapping[str, int], *, why: Any, **_: Any) -> Decision:
    pieces = [LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in wanted.items()]
    return call_off.call_off(order, pieces, sources=("pending", "reserved", "ready"), why=why)


def confirm_everything(reserved: Any, given: Given, *, order: Order | None) -> Answer:
    answer = confirm.confirm(reserved, given, order=order)
    if not isinstance(answer, Decision) or not answer.events:
        return answer
    told: Any = answer.events[0]
    quantities = {line.line_id: line.quantity for line in reserved.lines}
    lines = tuple(line.model_copy(update={"quantity": quantities[line.line_id]}) for line in told.lines)
    return replace(answer, events=(told.model_copy(update={"lines": lines}),))


def fall_short_by_lines(unavailable: Any, given: Given, *, order: Order | None) -> Answer:
    return fall_short.fall_short(unavailable, given, order=order and replace(order, when_short="reject_line"))


def release_twice(line: HeldLine, stock: Stock, quantity: int) -> Held:
    return line.release(quantity), stock.release(quantity).release(quantity)


def miss_and_keep(line: HeldLine, stock: Stock, quantity: int) -> Held:
    return line.miss(quantity), stock.block(quantity)


def hand_over_and_keep(line: HeldLine, stock: Stock, quantity: int) -> Held:
    return line.issue(quantity), stock.change(-quantity)


def allocate_alone(pieces: Iterable[Any], stock: Any) -> Any:
    kept, short = [], []
    for each in pieces:
        available = stock_at(stock, (each.location_id, each.sku)).available_to_promise
        if each.quantity <= available:
            kept.append(each)
        else:
            short.append(reserve._short(each, available))
    return tuple(kept), tuple(short)


def round_to_nearest(amount: int, *, whole: int, before: int, taken: int) -> int:
    return round(amount * taken / whole)


def split_and_round(amount: int, weights: Mapping[Any, int]) -> dict[Any, int]:
    total = sum(weights.values())
    return {key: round(amount * weight / total) for key, weight in weights.items()}


def played_by_the_shelf(self: Portion, players: Any) -> Any:
    return self.role if self.role in players else "fulfil"


def cost_of_the_seller(of: recognition.Recognition) -> Iterator[Any]:
    seller = of.players["capture"].location.cost_centre
    yield books._budget(seller, "cost_of_goods", -(of.cost_minor or 0))
    yield books._budget(seller, "stock", of.cost_minor or 0)


def book_deliveries_only(moved: Any, given: Given) -> Answer:
    return move_stock(moved, given) if moved.cause == "received" else NOTHING


def take_home_once(collected: Any, given: Given, *, purchase: Any) -> Answer:
    if purchase is not None and any(line.handovers for line in purchase.lines):
        return NOTHING
    return take_home(collected, given, purchase=purchase)


def no_end(order_id: str, location_id: str, due_at: Any) -> Deadline:
    return Deadline(PICKUP, f"{order_id}|{location_id}", None)


def oversold(self: Stock) -> int:
    return max(0, self.on_hand - self.blocked - self.safety)


def count_anew(self: Stock, quantity: int) -> Stock:
    return replace(self, on_hand=quantity, blocked=0, reserved=0)


BUGS = (
    Mutant("refunded-twice", "What was refunded before is refunded again.", ((call_off, "refund", refund_and_forget),)),
    Mutant(
        "cancelled-without-asking",
        "Pieces are cancelled without asking the store whether it has them still.",
        ((cancel, "_call_off_or_ask", cancel_without_asking),),
    ),
    Mutant(
        "cancelled-pieces-confirmed",
        "Pieces that were cancelled before stock answered are confirmed.",
        ((order_service, "confirm", confirm_everything),),
    ),
    Mutant(
        "all-or-nothing-forgotten",
        "An order to be had whole or not at all is kept in part.",
        ((order_service, "fall_short", fall_short_by_lines),),
    ),
    Mutant(
        "no-show-not-heard",
        "The order does not hear of a no-show.",
        ((order_service, "expire", lambda *_, **__: NOTHING),),
    ),
    Mutant("release-twice", "Stock is released twice.", ((release, "_let_go", release_twice),)),
    Mutant(
        "short-pick-released", "Missing pieces are released as cancelled ones, too.", ((release, "SHORT_PICK", "none"),)
    ),
    Mutant("short-pick-kept", "Missing pieces stay reserved.", ((missing, "_block", miss_and_keep),)),
    Mutant(
        "issued-and-kept",
        "Pieces that were handed over stay reserved.",
        ((issue, "hand_over", hand_over_and_keep), (reserve, "hand_over", hand_over_and_keep)),
    ),
    Mutant(
        "promised-twice", "Reserved pieces are promised again.", ((Stock, "available_to_promise", property(oversold)),)
    ),
    Mutant(
        "lines-do-not-compete", "Each line of an order sees all the stock.", ((reserve, "allocate", allocate_alone),)
    ),
    Mutant("count-forgets-holds", "A count forgets what is reserved.", ((Stock, "count", count_anew),)),
    Mutant(
        "carried-out-not-journalled",
        "What is carried out is in no journal.",
        ((reserve, "write_off", lambda *_, **__: NOTHING),),
    ),
    Mutant("any-code-opens", "Any pickup code opens.", ((PickupCodes, "fits", lambda *_, **__: True),)),
    Mutant(
        "handed-over-twice",
        "Pieces can be handed over again.",
        ((handing_over, "_without", lambda task, wanted: task),),
    ),
    Mutant("short-pick-not-told", "Nobody hears of missing pieces.", ((picking, "_short", lambda *_: NOTHING),)),
    Mutant("waits-for-ever", "Ready pieces wait for ever.", ((getting_ready, "pickup_deadline", no_end),)),
    Mutant(
        "recognised-at-placement",
        "A sale is booked when the order is placed.",
        (
            (placing, "carried_lines", lambda placed: list(placed.lines)),
            (attribution_service, "carried_lines", lambda placed: list(placed.lines)),
        ),
    ),
    Mutant(
        "rounded-to-nearest", "Each part of a line is rounded for itself.", ((recognition, "part", round_to_nearest),)
    ),
    Mutant("shares-rounded", "Each share of the credit is rounded for itself.", ((books, "split", split_and_round),)),
    Mutant(
        "credit-to-the-shelf",
        "The share of a trial that was not goes to the shelf.",
        ((Portion, "played_by", played_by_the_shelf),),
    ),
    Mutant(
        "owner-not-paid",
        "The seller's stock account pays for the owner's goods.",
        ((books, "_cost", cost_of_the_seller),),
    ),
    Mutant(
        "booked-from-the-front",
        "Books forget what of a line is recognised.",
        ((Sale, "recognising", lambda self, *_: self),),
    ),
    Mutant(
        "corrections-not-booked",
        "Counts and adjustments are not booked.",
        ((attribution_service, "move_stock", book_deliveries_only),),
    ),
    Mutant(
        "second-handover-forgotten",
        "Returns remember the first handover only.",
        ((returns_service, "take_home", take_home_once),),
    ),
)
