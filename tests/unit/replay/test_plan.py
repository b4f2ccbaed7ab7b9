"""A plan is a function of its seed, and lacks nothing that it needs."""

from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from services.replay.dataset import Basket, Product, ProductId, read_baskets, read_own_stores, read_products
from services.replay.habits import Chance, Habits
from services.replay.plan import Day, plan
from services.replay.purchase import World
from services.replay.said import Said
from shared.events.operations import StockReceived
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed
from tests.unit.replay.baskets import basket, bought

BASKETS = 900
"""Three days of the year."""


@pytest.fixture(scope="module")
def visits() -> list[Basket]:
    return list(read_baskets(BASKETS))


def planned(visits: list[Basket], seed: int = 1, **habits: int) -> list[Day]:
    return list(plan(visits, World(Chance(seed), Habits(**habits), read_own_stores()), read_products()))


@pytest.fixture(scope="module")
def days(visits: list[Basket]) -> list[Day]:
    return planned(visits)


def words(days: list[Day]) -> list[Said]:
    return [said for day in days for said in (*day.described, *day.delivered, *(each.said for each in day.purchases))]


def on_web(days: list[Day]) -> set[int]:
    return {each.basket.basket_id for day in days for each in day.purchases if each.on_web}


def test_the_same_seed_says_the_same_to_the_byte(visits: list[Basket], days: list[Day]) -> None:
    assert [said.record() for said in words(planned(visits))] == [said.record() for said in words(days)]


def test_another_seed_is_another_world(visits: list[Basket], days: list[Day]) -> None:
    assert on_web(days) != on_web(planned(visits, seed=2))
    assert (len(on_web(days)), len(on_web(planned(visits, seed=2)))) == (179, 169)


def test_a_longer_replay_buys_the_same_before(visits: list[Basket], days: list[Day]) -> None:
    bought_before = [each.event for day in planned(visits[:500]) for each in day.purchases]
    assert bought_before == [each.event for day in days for each in day.purchases][:500]


def test_ids_are_never_said_twice(days: list[Day]) -> None:
    ids = Counter(dict(said.record().headers)["ce_id"] for said in words(days))
    assert max(ids.values()) == 1


def test_everything_is_described_once_and_before_it_is_needed(days: list[Day]) -> None:
    known: set[str] = set()
    for day in days:
        described = [said.event.key for said in day.described]
        assert len(set(described)) == len(described)
        assert known.isdisjoint(described)
        known.update(described)
        for each in day.purchases:
            assert f"location|{each.event.capture_location_id}" in known
            for where, sku, _ in each.needs():
                assert {f"location|{where}", f"item|{sku}"} <= known
            if each.event.associate_id:
                assert f"associate|{each.event.associate_id}" in known


def test_stores_receive_what_they_will_sell_save_for_what_never_comes(days: list[Day]) -> None:
    for day in days:
        needed: Counter[tuple[str, str]] = Counter()
        for each in day.purchases:
            for where, sku, quantity in each.needs():
                needed[where, sku] += quantity
        received = {}
        for said in day.delivered:
            assert isinstance(said.event, StockReceived)
            received[said.event.location_id, said.event.sku] = said.event.quantity
        assert received.items() <= needed.items()
        assert 0.990 < len(received) / len(needed) < 1


def test_what_never_comes_is_the_same_every_day(visits: list[Basket]) -> None:
    never = planned(visits[:50], never_delivered=10_000)
    assert [day.delivered for day in never] == [() for _ in never]


def test_a_day_is_a_day_of_the_stores(days: list[Day]) -> None:
    assert [day.date for day in days] == [date(2017, 1, 1), date(2017, 1, 2), date(2017, 1, 3)]
    assert all(earlier.date < later.date for earlier, later in pairwise(days))
    late = basket(bought_at=datetime(2017, 7, 4, 3, 59, tzinfo=UTC))
    (day,) = plan([late], World(Chance(1)), {})
    assert day.date == date(2017, 7, 3)
    assert day.delivered[0].at == datetime(2017, 7, 3, 4, tzinfo=UTC)


def test_visits_without_a_sale_are_kept_apart() -> None:
    (day,) = plan([basket(bought(quantity=0))], World(Chance(1)), {})
    assert (len(day.not_sold), day.purchases, day.delivered) == (1, (), ())


def test_an_item_costs_a_share_of_its_highest_list_price() -> None:
    cheap, dear = bought(1, product_id=9, quantity=2), bought(2, product_id=9, quantity=1, retail_discount_minor=99)
    (day,) = plan(
        [basket(cheap, dear)],
        World(Chance(1), Habits(orders_on_web=0)),
        {ProductId(9): Product("Milk", "Private", "DAIRY")},
    )
    described = [said.event for said in day.described]
    (item,) = (event for event in described if isinstance(event, ItemDescribed))
    assert item == ItemDescribed(
        sku="sku-9", name="Milk", brand="private", category="DAIRY", standard_cost_minor=349, currency="USD"
    )
    places = [event for event in described if isinstance(event, LocationDescribed)]
    assert [(place.location_id, place.kind, place.cost_centre) for place in places] == [
        ("web", "online", "cc-web"),
        ("store-408", "store", "cc-store-408"),
    ]
    people = [event.location_id for event in described if isinstance(event, AssociateDescribed)]
    assert set(people) == {"store-408"}
    assert len(people) in (1, 2)
