"""Reading the data set: nothing is lost, and money is read to the cent."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.replay.dataset import cents, read_baskets, read_own_stores, read_products
from tests.unit.replay.baskets import bought

BEFORE = datetime(2017, 1, 1, tzinfo=UTC)


@dataclass
class Year:
    """What a whole year sums to."""

    lines: int = 0
    baskets: int = 0
    households: set[int] = field(default_factory=set)
    stores: set[int] = field(default_factory=set)
    flaws: Counter[str | None] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)
    last: datetime = BEFORE
    in_order: bool = True


@pytest.fixture(scope="module")
def year() -> Year:
    year = Year()
    for basket in read_baskets():
        year.baskets += 1
        year.lines += len(basket.lines)
        year.households.add(basket.household_id)
        year.stores.add(basket.store_id)
        year.in_order &= year.last <= basket.bought_at
        year.last = basket.bought_at
        for line in basket.lines:
            year.flaws[line.flaw] += 1
            year.money["sales_value"] += line.sales_value_minor
            year.money["retail_disc"] += line.retail_discount_minor
            year.money["coupon_disc"] += line.coupon_discount_minor
            year.money["coupon_match_disc"] += line.coupon_match_minor
    return year


def test_every_line_of_the_year_is_read(year: Year) -> None:
    assert (year.lines, year.baskets, len(year.stores), len(year.households)) == (1_469_307, 155_848, 457, 2_469)


def test_money_sums_to_the_cent(year: Year) -> None:
    """As summed over the columns of the file at once."""
    assert year.money == {
        "sales_value": 459_603_958,
        "retail_disc": 79_165_064,
        "coupon_disc": 2_635_990,
        "coupon_match_disc": 454_265,
    }


def test_lines_that_cannot_be_a_sale_are_named(year: Year) -> None:
    assert year.flaws == {None: 1_459_909, "quantity-zero": 8_869, "discounts-exceed-price": 529}


def test_baskets_come_in_the_order_of_time(year: Year) -> None:
    assert year.in_order
    assert year.last == datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)


def test_a_short_replay_reads_the_beginning_of_a_long_one() -> None:
    few, more = list(read_baskets(20)), list(read_baskets(40))
    assert (len(few), len(more)) == (20, 40)
    assert more[:20] == few


def test_a_receipt_is_read_as_it_was_printed() -> None:
    """Two pieces at 2.89: 1.78 off by card, a coupon of 0.55 that the shop doubled with 0.45."""
    basket = next(each for each in read_baskets(500) if each.basket_id == 31198795316)
    line = next(line for line in basket.lines if line.product_id == 850562)
    assert (line.quantity, line.gross_minor, line.net_minor) == (2, 578, 300)
    assert (line.retail_discount_minor, line.coupon_discount_minor, line.coupon_match_minor) == (178, 55, 45)
    assert (basket.household_id, basket.store_id) == (1519, 356)
    assert basket.bought_at == datetime(2017, 1, 1, 15, 32, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("printed", "minor"), [(0.0, 0), (0.29, 29), (0.57, 57), (1.1, 110), (4.35, 435), (130.02, 13002), (840.0, 84000)]
)
def test_cents_are_those_that_were_printed(printed: float, minor: int) -> None:
    assert cents(printed) == minor


def test_nothing_sold_is_no_sale_and_a_gift_is_one() -> None:
    assert bought(quantity=0).flaw == "quantity-zero"
    assert bought(sales_value_minor=400, coupon_discount_minor=401).flaw == "discounts-exceed-price"
    assert bought(sales_value_minor=400, coupon_discount_minor=400).flaw is None


def test_households_shop_in_stores_of_their_own() -> None:
    stores = read_own_stores()
    assert len(stores) == 2_469
    several = sum(len(own) > 1 for own in stores.values())
    assert f"{several / len(stores):.1%}" == "86.7%"


def test_the_product_table_knows_brand_and_category() -> None:
    products = read_products()
    assert len(products) == 92_331
    ice = next(product for product_id, product in products.items() if product_id == 25671)
    assert (ice.name, ice.brand, ice.category) == ("ICE - CRUSHED/CUBED", "National", "FRZN ICE")
