"""An order is placed: keep what will be collected, write off what was carried out."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from services.inventory.domain.holding import HOLD, Holding
from services.inventory.domain.issue import hand_over, write_off
from services.inventory.domain.state import HeldLine, Reservation, Stock, StockKey, stock_at
from shared.events.inventory import ShortLine, StockLine, StockReserved, StockUnavailable
from shared.events.order import OrderPlaced, PlacedLine, contradiction
from shared.kernel.decision import NOTHING, Answer, Deadline, Decision, Given


def reserve(
    placed: OrderPlaced,
    given: Given,
    *,
    reservation: Reservation | None,
    stock: Mapping[StockKey, Stock],
    hold_ttl: timedelta,
) -> Answer:
    """Reserve each line in full or not at all, for `hold_ttl`; where the order wants it so, all lines or none.

    Carried-out pieces have left already, so they go first.
    """
    if reservation is not None:
        return NOTHING
    if wrong := contradiction(placed.order_id, (line.line_id for line in placed.lines)):
        return wrong
    before = Holding(Reservation(placed.order_id), stock)
    carried = tuple(_pieces(line) for line in placed.lines if line.method == "carry_out")
    awaited = tuple(_pieces(line) for line in placed.lines if line.method != "carry_out")
    sold = before.after(carried, hand_over)
    kept, short = allocate(awaited, sold.stock)
    if short and placed.when_short == "reject_order":
        kept = ()
    after = sold.after(kept, _keep)
    written_off = (
        write_off(carried, given, before=before, after=sold, cause="carried_out", moved_at=placed.placed_at)
        if carried
        else NOTHING
    )
    return written_off + _told(placed.order_id, given, kept=kept, short=short, hold_ttl=hold_ttl) + after.since(before)


def allocate(
    pieces: Iterable[StockLine], stock: Mapping[StockKey, Stock]
) -> tuple[tuple[StockLine, ...], tuple[ShortLine, ...]]:
    """Return the lines that can be had in full, and the others; what a line takes, the later ones cannot have."""
    left: dict[StockKey, int] = {}
    kept, short = [], []
    for each in pieces:
        key = each.location_id, each.sku
        available = left.get(key, stock_at(stock, key).available_to_promise)
        if each.quantity <= available:
            kept.append(each)
            left[key] = available - each.quantity
        else:
            short.append(_short(each, available))
    return tuple(kept), tuple(short)


def _keep(line: HeldLine, stock: Stock, quantity: int) -> tuple[HeldLine, Stock]:
    return line.keep(quantity), stock.keep(quantity)


def _told(
    order_id: str, given: Given, *, kept: tuple[StockLine, ...], short: tuple[ShortLine, ...], hold_ttl: timedelta
) -> Decision:
    told = Decision(events=(StockUnavailable(order_id=order_id, lines=short),)) if short else NOTHING
    if not kept:
        return told
    until = given.now + hold_ttl
    return told + Decision(
        events=(StockReserved(order_id=order_id, lines=kept, hold_until=until),),
        deadlines=(Deadline(HOLD, order_id, until),),
    )


def _pieces(line: PlacedLine) -> StockLine:
    return StockLine(line_id=line.line_id, sku=line.sku, location_id=line.location_id, quantity=line.quantity)


def _short(line: StockLine, available: int) -> ShortLine:
    return ShortLine(
        line_id=line.line_id,
        sku=line.sku,
        location_id=line.location_id,
        requested_quantity=line.quantity,
        available_quantity=available,
    )
