"""What must hold when nothing is on its way: the services agree, and the books say what they did."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.attribution.domain.state import Sale
from services.fulfilment.domain.state import Fulfilment
from services.inventory.domain.state import Reservation, Stock
from services.order.domain.state import Order
from services.returns.domain.state import Purchase
from shared.events.accounts import RESERVED
from shared.kernel.money import part
from tests.simulation.cluster import Cluster
from tests.simulation.watch import Broken, LineKey, Watch, header

Rest = Callable[[Cluster], None]


def every_event_is_published(cluster: Cluster) -> None:
    for event_id, kind in cluster.watch.written.items():
        if event_id not in cluster.watch.published_ids:
            raise Broken("every-event-is-published", f"{kind} {event_id} was never published")


def nothing_waits_for_what_is_there(cluster: Cluster) -> None:
    for running in cluster.all:
        for parked in running.store.parked.values():
            if parked.wait.key in running.store.rows[parked.wait.kind]:
                said = f"{running.service.name}: {parked.message.type} waits for {parked.wait.key}"
                raise Broken("nothing-waits-for-what-is-there", said)


def the_services_agree_on_every_line(cluster: Cluster) -> None:
    """Each of five services counts the pieces of a line for itself."""
    held = _held(cluster.watch)
    tasks = _tasks(cluster.watch)
    for order in _rows(cluster.watch, "order", Order):
        for line in order.lines:
            key = order.order_id, line.line_id
            pieces, theirs = line.pieces, tasks.get(key, Counter())
            if line.method == "pickup":
                ours = {"open": pieces.reserved + pieces.ready, "ready": pieces.ready, "collected": pieces.collected}
                found = {name: theirs[name] for name in ours}
                if not _waits(cluster, order.order_id):
                    _equal("the-services-agree-on-every-line", key, found, ours)
            if pieces.pending and not order.rejections and not _waits(cluster, order.order_id):
                raise Broken("the-services-agree-on-every-line", f"{key}: inventory never answered")
            _equal(
                "the-services-agree-on-every-line", key, held[key], (pieces.reserved + pieces.ready, pieces.collected)
            )


def what_customers_have_can_come_back(cluster: Cluster) -> None:
    purchases = cluster.watch.stores["returns"].rows[Purchase]
    for order in _placed(cluster.watch):
        if order.order_id not in purchases:
            raise Broken("what-customers-have-can-come-back", f"returns never heard of {order.order_id}")
        found = {line.line_id: line.handed_over for line in purchases[order.order_id].lines}
        expected = {line.line_id: line.pieces.collected for line in order.lines}
        _equal("what-customers-have-can-come-back", order.order_id, found, expected)


def the_books_have_what_was_handed_over(cluster: Cluster) -> None:
    """As reconcile does: pieces and net amount of every line, counted from the front."""
    watch = cluster.watch
    sales = watch.stores["attribution"].rows[Sale]
    for order in _placed(watch):
        if _waits(cluster, order.order_id):
            continue
        if order.order_id not in sales:
            raise Broken("the-books-have-what-was-handed-over", f"attribution never heard of {order.order_id}")
        for line in order.lines:
            key, taken = (order.order_id, line.line_id), line.pieces.collected
            net_minor = part(line.net_minor, whole=line.quantity, before=0, taken=taken)
            found = watch.recognised[key], watch.net[key], sales[order.order_id].line(line.line_id).recognised
            _equal("the-books-have-what-was-handed-over", key, found, (taken, net_minor, taken))


def the_stock_book_is_the_stock(cluster: Cluster) -> None:
    """As reconcile does: the balance of every location and sku is what inventory has on hand."""
    if any(running.store.parked for running in cluster.all):
        return
    booked = {key: pieces for key, pieces in cluster.watch.stock_book.items() if key[0] not in RESERVED and pieces}
    stock = _rows(cluster.watch, "inventory", Stock)
    _equal("the-stock-book-is-the-stock", "all", booked, {each.key: each.on_hand for each in stock if each.on_hand})


def paid_is_kept_or_given_back(cluster: Cluster) -> None:
    """Of a final order: what was paid is what was refunded and what the customer's pieces cost, to the minor unit.

    Where an order's sums contradict each other, a person finds out what was paid.
    """
    for order in _rows(cluster.watch, "order", Order):
        if not order.open_quantity and not order.sums_contradict:
            kept = sum(
                part(amount, whole=line.quantity, before=0, taken=line.pieces.collected)
                for line in order.lines
                for amount in (line.net_minor, line.tax_minor)
            )
            found = cluster.watch.refunded[order.order_id] + kept
            _equal("paid-is-kept-or-given-back", order.order_id, found, order.paid_minor)


def dead_letters_are_what_deserves_it(cluster: Cluster) -> None:
    watch, expected = cluster.watch, Counter[tuple[str, str, str]]()
    for (event_id, topic), told in watch.told.items():
        times = 1 if told.dead in BY_ID else watch.repetitions[event_id, topic]
        expected.update({(event_id, reader, told.dead): times for reader in told.readers})
    left = [
        (running, kept.letter)
        for running in cluster.all
        for kept in running.store.letters.values()
        if kept.state == "open"
    ]
    found = Counter((header(letter.raw, "ce_id"), running.service.name, letter.reason) for running, letter in left)
    _equal("dead-letters-are-what-deserves-it", "all", found, expected)


def each_letter_is_told_as_often_as_it_failed(cluster: Cluster) -> None:
    failed = {
        f"{running.service.name}/{letter_id}": kept.attempts
        for running in cluster.all
        for letter_id, kept in running.store.letters.items()
    }
    _equal("each-letter-is-told-as-often-as-it-failed", "all", dict(cluster.watch.dead), failed)


BY_ID = frozenset({"sums-do-not-add-up"})
"""What can be read is told from its repetition by its id; what cannot, by where it lies: each time anew."""


def everything_has_ended(cluster: Cluster) -> None:
    """After all deadlines: every order is final, and nothing waits, is held, or is due."""
    for running in cluster.all:
        store, name = running.store, running.service.name
        left = {"parked": len(store.parked), "deadlines": len(store.deadlines), "outbox": len(store.unpublished)}
        _equal("everything-has-ended", name, left, dict.fromkeys(left, 0))
    for order in _rows(cluster.watch, "order", Order):
        if order.open_quantity:
            raise Broken("everything-has-ended", f"order {order.order_id} is {order.status} for ever")
    for stock in _rows(cluster.watch, "inventory", Stock):
        _equal("everything-has-ended", stock.key, stock.reserved, 0)


def every_submission_is_answered(cluster: Cluster) -> None:
    orders = cluster.watch.stores["order"].rows[Order]
    for (event_id, _), told in cluster.watch.told.items():
        order_id = (told.record.key or b"").decode()
        if " order.submitted " in told.text and not told.dead and order_id not in orders:
            raise Broken("every-submission-is-answered", f"{event_id}: order {order_id} is nowhere")


AT_REST: tuple[Rest, ...] = (
    every_event_is_published,
    nothing_waits_for_what_is_there,
    the_services_agree_on_every_line,
    what_customers_have_can_come_back,
    the_books_have_what_was_handed_over,
    the_stock_book_is_the_stock,
    paid_is_kept_or_given_back,
)
AT_THE_END: tuple[Rest, ...] = (
    *AT_REST,
    every_submission_is_answered,
    everything_has_ended,
    dead_letters_are_what_deserves_it,
    each_letter_is_told_as_often_as_it_failed,
)


def _waits(cluster: Cluster, order_id: str) -> bool:
    """Say whether a message of an order is parked: it waits for what it names, and the services do not agree yet."""
    return any(
        (parked.message.raw.key or b"").decode() == order_id
        for running in cluster.all
        for parked in running.store.parked.values()
    )


def _held(watch: Watch) -> Mapping[LineKey, tuple[int, int]]:
    """Return what inventory holds and has issued, by order line."""
    found: dict[LineKey, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for reservation in _rows(watch, "inventory", Reservation):
        for line in reservation.lines:
            held, issued = found[reservation.order_id, line.line_id]
            found[reservation.order_id, line.line_id] = held + line.held, issued + line.issued
    return found


def _tasks(watch: Watch) -> dict[LineKey, Counter[str]]:
    """Return the pieces that fulfilment still has, those that are announced as ready, and those collected, by line."""
    found: dict[LineKey, Counter[str]] = {}
    for fulfilment in _rows(watch, "fulfilment", Fulfilment):
        for task in fulfilment.tasks:
            for line in task.lines:
                pieces = found.setdefault((fulfilment.order_id, line.line_id), Counter())
                ready = line.picked if task.status == "ready" else 0
                pieces.update(open=line.to_pick + line.picked, ready=ready, collected=line.collected)
    return found


def _rows(watch: Watch, service: str, kind: type) -> Iterator[Any]:
    return iter(watch.stores[service].rows[kind].values())


def _placed(watch: Watch) -> Iterator[Order]:
    purchases = watch.stores["returns"].rows[Purchase]
    return (order for order in _rows(watch, "order", Order) if not order.rejections or order.order_id in purchases)


def _equal(check: str, where: object, found: object, expected: object) -> None:
    if found != expected:
        raise Broken(check, f"{where}: {found}, and it should be {expected}")
