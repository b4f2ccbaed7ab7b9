"""Stock that moves without an order, and what the master data tells."""

from typing import Any, Literal

import pytest

from services.attribution.domain.describe import describe_associate, describe_item, describe_location
from services.attribution.domain.move_stock import move_stock
from services.attribution.domain.state import Associate, Item, Location, StockEntry
from shared.events.attribution import StockPosted
from shared.events.inventory import StockMoved
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed
from shared.kernel.decision import NOTHING
from tests.unit.attribution.world import GIVEN, NOON, decided, table


def moved(change: int, cause: Literal["received", "counted", "adjusted"]) -> StockMoved:
    return StockMoved(
        location_id="store-a", sku="shirt", change_quantity=change, cause=cause, on_hand_quantity=9, moved_at=NOON
    )


@pytest.mark.parametrize(
    ("change", "cause", "source", "target"),
    [
        (5, "received", "supplier", "store-a"),
        (2, "counted", "adjustment", "store-a"),
        (-2, "counted", "store-a", "adjustment"),
        (-1, "adjusted", "store-a", "adjustment"),
    ],
)
def test_pieces_come_from_and_go_to_an_account(
    change: int, cause: Literal["received", "counted", "adjusted"], source: str, target: str
) -> None:
    decision = decided(move_stock(moved(change, cause), GIVEN))
    entry_id = GIVEN.new_id("entry:0")
    assert decision.rows == (StockEntry(entry_id, "m-1", "shirt", source, target, abs(change), cause, NOON),)
    [event] = decision.events
    assert isinstance(event, StockPosted)
    assert (event.entry_id, event.key, event.cause, event.recognised_at) == (entry_id, "store-a|shirt", cause, NOON)
    assert table(event.postings, "stock") == [(source, "", "", -abs(change)), (target, "", "", abs(change))]


def test_a_count_that_finds_what_the_books_say_posts_nothing() -> None:
    assert move_stock(moved(0, "counted"), GIVEN) == NOTHING


def located(**changes: Any) -> LocationDescribed:
    return LocationDescribed(
        location_id="store-a", kind="store", name="A", brand="b", region="marmara", cost_centre="cc-a", **changes
    )


def test_a_location_owns_its_stock_unless_another_is_said_to() -> None:
    own = decided(describe_location(located(), GIVEN, location=None)).rows
    assert own == (Location("store-a", "store", "marmara", "cc-a", "cc-a", "UTC"),)
    brand_s = decided(describe_location(located(owner_cost_centre="brand"), GIVEN, location=None)).rows
    assert brand_s == (Location("store-a", "store", "marmara", "cc-a", "brand", "UTC"),)


def test_items_and_associates_are_kept() -> None:
    item = ItemDescribed(
        sku="shirt", name="Shirt", brand="b", category="tops", standard_cost_minor=3_000, currency="EUR"
    )
    assert decided(describe_item(item, GIVEN, item=None)).rows == (Item("shirt", "tops", 3_000, "EUR"),)
    ayse = AssociateDescribed(associate_id="ayse", location_id="store-a", role="sales")
    assert decided(describe_associate(ayse, GIVEN, associate=None)).rows == (Associate("ayse", "store-a", "sales"),)
