"""Baskets to test with: milk and bread, bought in store 408 on a January morning."""

from datetime import UTC, datetime
from typing import Any

from services.replay.dataset import Basket, BoughtLine, HouseholdId, ProductId, StoreId

BOUGHT_AT = datetime(2017, 1, 3, 15, 20, tzinfo=UTC)


def bought(number: int = 1, **changes: Any) -> BoughtLine:
    """Two pieces for 4.00, a loyalty discount of 1.00 taken off."""
    usual = {
        "product_id": ProductId(1000 + number),
        "quantity": 2,
        "sales_value_minor": 400,
        "retail_discount_minor": 100,
        "coupon_discount_minor": 0,
        "coupon_match_minor": 0,
    }
    return BoughtLine(number=number, **{**usual, **changes})


def basket(*lines: BoughtLine, **changes: Any) -> Basket:
    """A visit of household 7 to store 408."""
    usual = {
        "basket_id": 31198570044,
        "household_id": HouseholdId(7),
        "store_id": StoreId(408),
        "bought_at": BOUGHT_AT,
    }
    return Basket(lines=lines or (bought(),), **{**usual, **changes})
