"""A visit becomes an order whose sums add up, and whose discounts say who pays."""

import pytest

from services.replay.dataset import Basket, HouseholdId, StoreId, read_baskets
from services.replay.habits import Chance, Habits
from services.replay.purchase import World, discounts, purchase
from shared.events.channel import Discount, OrderSubmitted, SaleRecorded, Tender
from tests.unit.replay.baskets import basket, bought

ALWAYS, NEVER = 10_000, 0


def world(*, seed: int = 1, own: tuple[int, ...] = (), **habits: int) -> World:
    stores = {HouseholdId(7): tuple(map(StoreId, own))} if own else {}
    return World(Chance(seed), Habits(**habits), stores)


def test_each_discount_is_paid_by_whoever_gives_it() -> None:
    line = bought(retail_discount_minor=178, coupon_discount_minor=55, coupon_match_minor=45)
    assert discounts(line) == (
        Discount(funder="retailer", promotion="loyalty card", amount_minor=178),
        Discount(funder="manufacturer", promotion="coupon", amount_minor=55),
        Discount(funder="retailer", promotion="coupon match", amount_minor=45),
    )
    assert discounts(bought(retail_discount_minor=0)) == ()


def test_a_visit_is_a_sale_at_the_till_of_the_store() -> None:
    bread = bought(2, quantity=1, sales_value_minor=199, coupon_discount_minor=50, retail_discount_minor=0)
    made = purchase(basket(bought(), bread), world(orders_on_web=NEVER))
    sale = made.event
    assert isinstance(sale, SaleRecorded)
    assert (sale.order_id, sale.capture_location_id, sale.channel) == ("cj-1-31198570044", "store-408", "pos")
    assert [(line.gross_minor, line.net_minor) for line in sale.lines] == [(500, 400), (199, 149)]
    assert sale.tenders == (Tender(method="card", amount_minor=549),)
    assert made.said.source == "/replay/till/408"
    assert made.needs() == [("store-408", "sku-1001", 2), ("store-408", "sku-1002", 1)]


def test_on_the_web_it_is_collected_in_a_store_of_the_household() -> None:
    made = purchase(basket(), world(own=(31, 32, 33), orders_on_web=ALWAYS, takes_what_there_is=ALWAYS))
    order = made.event
    assert isinstance(order, OrderSubmitted)
    assert (order.capture_location_id, order.when_short) == ("web", "reject_line")
    assert order.lines[0].pickup_location_id in {"store-31", "store-32", "store-33"}
    assert made.needs() == [(order.lines[0].pickup_location_id, "sku-1001", 2)]
    assert made.said.source == "/replay/web"


def test_nobody_orders_fuel_on_the_web() -> None:
    fuel = bought(quantity=10_296, sales_value_minor=2_573)
    assert not purchase(basket(fuel), world(orders_on_web=ALWAYS)).on_web


def test_what_is_no_sale_is_not_in_the_order() -> None:
    visit = basket(bought(1, quantity=0), bought(2), bought(3, sales_value_minor=10, coupon_discount_minor=11))
    event = purchase(visit, world()).event
    assert [line.line_id for line in event.lines] == ["2"]


@pytest.fixture(scope="module")
def visits() -> list[Basket]:
    return list(read_baskets(300))


def test_every_order_of_the_data_set_adds_up(visits: list[Basket]) -> None:
    for visit in visits:
        if not visit.sold:
            continue
        event = purchase(visit, world()).event
        for line in event.lines:
            assert line.net_minor == line.gross_minor - sum(each.amount_minor for each in line.discounts) >= 0
        assert sum(tender.amount_minor for tender in event.tenders) == sum(line.net_minor for line in event.lines)


def test_discounts_by_funder_are_those_of_the_data_set(visits: list[Basket]) -> None:
    given = {"retailer": 0, "manufacturer": 0}
    for visit in visits:
        for line in visit.sold:
            for each in discounts(line):
                given[each.funder] += each.amount_minor
    sold = [line for visit in visits for line in visit.sold]
    assert given == {
        "retailer": sum(line.retail_discount_minor + line.coupon_match_minor for line in sold),
        "manufacturer": sum(line.coupon_discount_minor for line in sold),
    }
    assert given["manufacturer"] > 0
