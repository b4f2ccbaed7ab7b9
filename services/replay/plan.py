"""A replay by a seed, day by day: what is described, delivered and bought. Pure: the same baskets, the same words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import get_args
from zoneinfo import ZoneInfo

from services.replay.dataset import Basket, Product, ProductId
from services.replay.habits import Chance
from services.replay.purchase import BRAND, CURRENCY, WEB, Purchase, World, associates, purchase, sku
from services.replay.said import Said
from shared.events.event import Event
from shared.events.operations import StockReceived
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed, OpeningHours, Weekday

TIME_ZONE = "America/New_York"
OPENS, CLOSES = time(6), time(23)
COST_PERCENT = 70
"""Standard cost as a share of the list price, rounded down: the data set tells no costs. So fuel costs nothing, of
which a piece is a thousandth of a gallon for a quarter of a cent."""

_ZONE = ZoneInfo(TIME_ZONE)
_HOURS = tuple(OpeningHours(day=day, opens=OPENS, closes=CLOSES) for day in get_args(Weekday))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of business: what Tekil must know before it, and what is bought."""

    date: date
    described: tuple[Said, ...]
    delivered: tuple[Said, ...]
    purchases: tuple[Purchase, ...]
    """In the order of time."""
    not_sold: tuple[Basket, ...]
    """Visits of which no line can be a sale."""


def plan(baskets: Iterable[Basket], world: World, products: Mapping[ProductId, Product]) -> Iterator[Day]:
    """Yield the days of these baskets, which are in the order of time. A thing is described on the day it appears."""
    known: set[str] = set()
    for day, visits in groupby(baskets, key=lambda basket: basket.bought_at.astimezone(_ZONE).date()):
        baskets_of_day = tuple(visits)
        purchases = tuple(purchase(basket, world) for basket in baskets_of_day if basket.sold)
        described = {each.key: each for each in describe(purchases, world.chance, products) if each.key not in known}
        known.update(described)
        yield Day(
            day,
            tuple(Said(each, "/replay/master-data", _start(day)) for each in described.values()),
            tuple(
                Said(each, f"/replay/warehouse/{each.location_id}", _start(day))
                for each in deliver(purchases, world, day)
            ),
            purchases,
            tuple(basket for basket in baskets_of_day if not basket.sold),
        )


def describe(purchases: Sequence[Purchase], chance: Chance, products: Mapping[ProductId, Product]) -> Iterator[Event]:
    """Yield what must be known for these purchases: the places, the people and the goods."""
    yield LocationDescribed(
        location_id=WEB, kind="online", name="Web shop", brand=BRAND, cost_centre="cc-web", time_zone=TIME_ZONE
    )
    for location_id in dict.fromkeys(where for each in purchases for where, _, _ in each.needs()):
        yield _store(location_id)
        for associate_id in associates(location_id, chance):
            yield AssociateDescribed(associate_id=associate_id, location_id=location_id, role="sales")
    yield from _items(purchases, products)


def deliver(purchases: Sequence[Purchase], world: World, day: date) -> Iterator[StockReceived]:
    """Yield what the stores receive before they open: what they will sell that day, save for what never comes."""
    needed: Counter[tuple[str, str]] = Counter()
    for each in purchases:
        for where, of, quantity in each.needs():
            needed[where, of] += quantity
    for (where, of), quantity in needed.items():
        if not world.chance.happens(world.habits.never_delivered, "never delivered", where, of):
            document = f"{where} {day.isoformat()}"
            yield StockReceived(location_id=where, sku=of, quantity=quantity, document=document)


def _store(location_id: str) -> LocationDescribed:
    return LocationDescribed(
        location_id=location_id,
        kind="store",
        name=location_id.replace("-", " ").capitalize(),
        brand=BRAND,
        cost_centre=f"cc-{location_id}",
        time_zone=TIME_ZONE,
        opening_hours=_HOURS,
    )


def _items(purchases: Sequence[Purchase], products: Mapping[ProductId, Product]) -> Iterator[ItemDescribed]:
    """Yield the goods; the highest list price of the day is their price."""
    costs: dict[ProductId, int] = {}
    for line in (line for each in purchases for line in each.basket.sold):
        cost = line.gross_minor * COST_PERCENT // (100 * line.quantity)
        costs[line.product_id] = max(cost, costs.get(line.product_id, 0))
    for product_id, cost in costs.items():
        product = products.get(product_id, Product())
        yield ItemDescribed(
            sku=sku(product_id),
            name=product.name,
            brand=product.brand.lower() or BRAND,
            category=product.category,
            standard_cost_minor=cost,
            currency=CURRENCY,
        )


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, _ZONE).astimezone(UTC)
