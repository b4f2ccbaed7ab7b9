"""All orders for one sku of one store: everybody wants the same row."""

from dataclasses import replace

from shared.events.channel import OrderSubmitted
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.report import Chapter, Table, number
from tests.bench.rounds import measure
from tests.bench.world import HOT, Order

ONE_SHELF = replace(TEKIL, name="hot")
TOO_LATE = 20
"""Orders that come when nothing is left."""


class Oversold(AssertionError):
    """More was sold than was there, or less; the message says what the shelf holds."""


def hot_sku(bench: Bench) -> Chapter:
    """Measure orders spread over all goods, then the same number for one sku, of which there are just enough pieces.

    Raises Oversold where the shelf is not exactly empty at the end, or an order that came too late was not rejected.
    """
    spread = bench.play(TEKIL, bench.draw(bench.sizes.hot))
    given, late = bench.draw(bench.sizes.hot, assortment=HOT), bench.draw(TOO_LATE, assortment=HOT)
    pieces = sum(map(_pieces, (*given.warm, *given.counted)))
    with bench.at_work(ONE_SHELF, assortment=replace(HOT, pieces_of_each=pieces)) as (team, world):
        world.play(given.warm)
        bench.settle()
        hot = measure(team, world, given.counted, window=bench.sizes.window)
        lives = world.play(late.counted).lives.values()
    [shelf] = bench.ground.ask(ONE_SHELF.database("inventory"), "SELECT on_hand, reserved, oversold FROM stock")
    rejected = sum(life.rejected for life in lives)
    if tuple(shelf) != (0, 0, 0) or rejected != TOO_LATE:
        raise Oversold(f"{tuple(shelf)} on hand, reserved and oversold; {rejected} of {TOO_LATE} late orders rejected")
    rows = (
        ("spread out", number(spread.per_second), "1.00"),
        ("one sku, one store", number(hot.per_second), number(hot.per_second / spread.per_second)),
    )
    data = {"spread": spread.per_second, "hot": hot.per_second, "pieces": pieces, "late_orders_rejected": rejected}
    title = f"{pieces:,} pieces of one sku, the last one sold and none twice; {rejected} late orders rejected"
    return Chapter("hot-sku", title, Table(("orders", "lifecycles a second", "ratio"), rows), data)


def _pieces(order: Order) -> int:
    submitted = OrderSubmitted.model_validate_json(order.submitted.value or b"")
    return sum(line.quantity for line in submitted.lines)
