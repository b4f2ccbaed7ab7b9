"""What must hold after every transaction, whatever went wrong before it: small functions, each named for its rule."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.attribution.domain.state import Entry, EntryPosting
from services.fulfilment.domain.state import Fulfilment
from services.inventory.domain.state import Reservation, Stock, StockKey
from services.order.domain.state import Order
from services.returns.domain.state import Purchase
from shared.engine.store import Effects
from shared.events.channel import OrderSubmitted
from tests.simulation.watch import Broken, LineKey, Watch
from tests.simulation.world import NORTH, WEB

Check = Callable[[Watch, Effects], None]


def on_hand_is_the_sum_of_its_movements(watch: Watch, effects: Effects) -> None:
    for key, stock in _changed(effects, Stock):
        _equal("on-hand-is-the-sum-of-its-movements", key, stock.on_hand, watch.moved[key])


def reserved_is_what_orders_hold(watch: Watch, effects: Effects) -> None:
    held = Counter[StockKey]()
    for reservation in watch.stores["inventory"].rows[Reservation].values():
        for line in reservation.lines:
            held[line.stock_key] += line.held
    for key, stock in _changed(effects, Stock):
        _equal("reserved-is-what-orders-hold", key, stock.reserved, held[key])


def reserved_is_on_hand_save_what_was_declared(watch: Watch, effects: Effects) -> None:
    for key, stock in _changed(effects, Stock):
        missing = stock.reserved + stock.blocked - stock.on_hand
        if missing > watch.declared[key]:
            said = f"{missing} pieces of {key} are missing, {watch.declared[key]} were declared"
            raise Broken("reserved-is-on-hand-save-what-was-declared", said)


def what_may_be_promised_is_published(watch: Watch, effects: Effects) -> None:
    for key, stock in _changed(effects, Stock):
        free = max(0, stock.on_hand - stock.reserved - stock.blocked - stock.safety)
        _equal("what-may-be-promised-is-published", key, watch.available.get(key, 0), free)


def every_hold_has_an_end(watch: Watch, effects: Effects) -> None:
    deadlines = watch.stores["inventory"].deadlines
    for key, reservation in _changed(effects, Reservation):
        told = ("hold.expired", key) in watch.overdue
        if any(line.reserved for line in reservation.lines) and ("hold", key) not in deadlines and not told:
            raise Broken("every-hold-has-an-end", f"order {key} is held for ever")


def every_task_has_a_deadline(watch: Watch, effects: Effects) -> None:
    deadlines = watch.stores["fulfilment"].deadlines
    for order_id, fulfilment in _changed(effects, Fulfilment):
        for task in fulfilment.tasks:
            key = f"{order_id}|{task.location_id}"
            late = ("pick", key) in deadlines or ("pick.overdue", key) in watch.overdue
            if task.count("to_pick") and not late:
                raise Broken("every-task-has-a-deadline", f"{key} is to be picked by no time")
            if task.count("picked") and not task.count("to_pick") and ("pickup", key) not in deadlines:
                raise Broken("every-task-has-a-deadline", f"{key} waits for ever")


def what_is_cancelled_is_refunded(watch: Watch, effects: Effects) -> None:
    for order_id, order in _changed(effects, Order):
        _equal("what-is-cancelled-is-refunded", order_id, watch.refunded[order_id], order.owed_back_minor)


def no_order_is_unknown_where_it_was_submitted(watch: Watch, effects: Effects) -> None:
    """Who cancels has submitted before, on the same topic and key: so the order is there, or the wish waits for it."""
    for order_id in watch.unknown:
        if (f"{order_id}-submitted", OrderSubmitted.TOPIC) in watch.told:
            raise Broken("no-order-is-unknown-where-it-was-submitted", f"{order_id} could not be cancelled")


def customers_have_what_was_handed_over(watch: Watch, effects: Effects) -> None:
    handed_over = None
    for order_id, order in _changed(effects, Order):
        handed_over = handed_over or collected_lines(watch)
        for line in order.lines:
            if line.method == "pickup":
                _at_most(
                    "customers-have-what-was-handed-over", (order_id, line.line_id), line.pieces.collected, handed_over
                )
    for order_id, purchase in _changed(effects, Purchase):
        handed_over = handed_over or collected_lines(watch)
        for bought in purchase.lines:
            key = order_id, bought.line_id
            if watch.stores["order"].rows[Order][order_id].lines[0].method == "pickup":
                _at_most("customers-have-what-was-handed-over", key, bought.handed_over, handed_over)


def nothing_is_sold_before_it_has_left(watch: Watch, effects: Effects) -> None:
    entries = effects.appended.get(Entry, ())
    handed_over = collected_lines(watch) if entries else {}
    for entry in entries:
        key = entry.order_id, entry.line_id
        if entry.flow == "pickup":
            _at_most("nothing-is-sold-before-it-has-left", key, watch.recognised[key], handed_over)


def only_the_right_code_opens(watch: Watch, effects: Effects) -> None:
    for cause_id, order_id in watch.handovers:
        if cause_id.endswith("wrong-code"):
            raise Broken("only-the-right-code-opens", f"{order_id} was handed over by {cause_id}")


def every_book_balances(watch: Watch, effects: Effects) -> None:
    sums = Counter[tuple[str, str]]()
    for posting in effects.appended.get(EntryPosting, ()):
        sums[posting.entry_id, posting.book] += posting.amount
    for entry in effects.appended.get(Entry, ()):
        found = {book: sums[entry.entry_id, book] for book in ("stock", "budget", "credit")}
        expected = {"stock": 0, "budget": 0, "credit": entry.net_minor}
        _equal("every-book-balances", entry.entry_id, found, expected)


def credit_is_what_the_policy_says(watch: Watch, effects: Effects) -> None:
    """Web 60 % and store 40 % for a collected web order, 100 % where one place did all: within a unit, summing up."""
    credited = Counter[tuple[str, str]]()
    for posting in effects.appended.get(EntryPosting, ()):
        if posting.book == "credit":
            credited[posting.entry_id, posting.account] += posting.amount
    for entry in effects.appended.get(Entry, ()):
        capture, store = entry.capture_location_id, entry.fulfil_location_id
        percent = {store: 100} if capture == store else {capture: 60, store: 40}
        for place, share in percent.items():
            off = 100 * credited[entry.entry_id, place] - share * entry.net_minor
            if abs(off) >= 200:
                raise Broken("credit-is-what-the-policy-says", f"{entry.entry_id}: {place} is off by {off / 100:+}")


def the_owner_of_the_goods_is_paid(watch: Watch, effects: Effects) -> None:
    entries = {entry.entry_id: entry for entry in effects.appended.get(Entry, ())}
    for posting in effects.appended.get(EntryPosting, ()):
        if posting.book == "budget" and posting.line == "stock":
            entry = entries[posting.entry_id]
            owner = OWNERS[entry.fulfil_location_id]
            _equal("the-owner-of-the-goods-is-paid", posting.entry_id, posting.account, owner)


OWNERS = {WEB: "cc-web", NORTH: "cc-north", "south": "cc-brand", "late-store": "cc-late"}

AFTER_EACH_TRANSACTION: dict[str, tuple[Check, ...]] = {
    "order": (
        what_is_cancelled_is_refunded,
        no_order_is_unknown_where_it_was_submitted,
        customers_have_what_was_handed_over,
    ),
    "inventory": (
        on_hand_is_the_sum_of_its_movements,
        reserved_is_what_orders_hold,
        reserved_is_on_hand_save_what_was_declared,
        what_may_be_promised_is_published,
        every_hold_has_an_end,
    ),
    "fulfilment": (every_task_has_a_deadline, only_the_right_code_opens),
    "returns": (customers_have_what_was_handed_over,),
    "attribution": (
        nothing_is_sold_before_it_has_left,
        every_book_balances,
        credit_is_what_the_policy_says,
        the_owner_of_the_goods_is_paid,
    ),
}


def check_transaction(watch: Watch, service: str, effects: Effects) -> None:
    """Check what a service committed. Raises Broken."""
    if effects.decided:
        for check in AFTER_EACH_TRANSACTION[service]:
            check(watch, effects)


def collected_lines(watch: Watch) -> Mapping[LineKey, int]:
    """Return the pieces that fulfilment handed over, by order line."""
    collected = Counter[LineKey]()
    for order_id, fulfilment in watch.stores["fulfilment"].rows[Fulfilment].items():
        for task in fulfilment.tasks:
            for line in task.lines:
                collected[str(order_id), line.line_id] += line.collected
    return collected


def _changed(effects: Effects, kind: type) -> Iterator[tuple[Any, Any]]:
    yield from effects.changed.get(kind, {}).items()


def _at_most(check: str, key: LineKey, found: int, allowed: Mapping[LineKey, int]) -> None:
    if found > allowed[key]:
        raise Broken(check, f"line {' '.join(key)}: {found} pieces, and {allowed[key]} were handed over")


def _equal(check: str, where: object, found: object, expected: object) -> None:
    if found != expected:
        raise Broken(check, f"{where}: {found}, and it should be {expected}")
