"""A visit to a store as Tekil hears of it: a sale at the till, or an order on the web."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.replay.dataset import Basket, BoughtLine, HouseholdId, ProductId, StoreId
from services.replay.habits import Chance, Habits
from services.replay.said import Said
from shared.events.channel import Discount, OrderSubmitted, RequestedLine, SaleRecorded, SoldLine, Tender

BRAND = "journey"
CURRENCY = "USD"
WEB = "web"
WEB_PIECES_MAX = 100
"""Pieces of a line that can be ordered on the web: what comes in thousands is fuel."""
ASSOCIATES_MAX = 2


@dataclass(frozen=True, slots=True)
class World:
    """What the purchases depend on, beside the baskets."""

    chance: Chance
    habits: Habits = field(default_factory=Habits)
    own_stores: Mapping[HouseholdId, Sequence[StoreId]] = field(default_factory=dict, repr=False)
    """Where each household shops; one that is missing collects where it bought."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order, and the visit that it stands for."""

    event: OrderSubmitted | SaleRecorded
    basket: Basket

    @property
    def on_web(self) -> bool:
        """Whether it was ordered on the web, to be collected."""
        return isinstance(self.event, OrderSubmitted)

    @property
    def said(self) -> Said:
        """Return it as its channel says it."""
        source = "/replay/web" if self.on_web else f"/replay/till/{self.basket.store_id}"
        return Said(self.event, source, self.basket.bought_at)

    def needs(self) -> list[tuple[str, str, int]]:
        """Return the pieces that must be somewhere for it: location, sku and quantity."""
        if isinstance(self.event, SaleRecorded):
            return [(self.event.capture_location_id, line.sku, line.quantity) for line in self.event.lines]
        return [(line.pickup_location_id or WEB, line.sku, line.quantity) for line in self.event.lines]


def purchase(basket: Basket, world: World) -> Purchase:
    """Return a visit as an order: most are carried out of the store, some were ordered on the web."""
    fuelled = any(line.quantity > WEB_PIECES_MAX for line in basket.sold)
    on_web = not fuelled and world.chance.happens(world.habits.orders_on_web, "on web", basket.basket_id)
    return Purchase(_submitted(basket, world) if on_web else _recorded(basket, world), basket)


def associates(location_id: str, chance: Chance) -> tuple[str, ...]:
    """Return who works in a store: one or two people."""
    people = 1 + chance.below(ASSOCIATES_MAX, "associates", location_id)
    return tuple(f"{location_id}-a{number}" for number in range(1, people + 1))


def store(store_id: StoreId) -> str:
    """Return the location id of a store."""
    return f"store-{store_id}"


def sku(product_id: ProductId) -> str:
    """Return the sku of a product."""
    return f"sku-{product_id}"


def _submitted(basket: Basket, world: World) -> OrderSubmitted:
    own = world.own_stores.get(basket.household_id, (basket.store_id,))
    where = store(world.chance.among(own, "pickup store", basket.basket_id))
    lines = tuple(RequestedLine(**_bought(line), method="pickup", pickup_location_id=where) for line in basket.sold)
    takes_less = world.chance.happens(world.habits.takes_what_there_is, "takes less", basket.basket_id)
    return OrderSubmitted(
        **_header(basket, world),
        channel="web",
        capture_location_id=WEB,
        lines=lines,
        tenders=_paid(lines),
        when_short="reject_line" if takes_less else "reject_order",
    )


def _recorded(basket: Basket, world: World) -> SaleRecorded:
    where = store(basket.store_id)
    lines = tuple(SoldLine(**_bought(line)) for line in basket.sold)
    return SaleRecorded(
        **_header(basket, world),
        capture_location_id=where,
        associate_id=world.chance.among(associates(where, world.chance), "at the till", basket.basket_id),
        lines=lines,
        tenders=_paid(lines),
    )


def _header(basket: Basket, world: World) -> dict[str, Any]:
    """Return what an order and a sale have in common. The seed is in the id: another world's order is another order."""
    return {
        "order_id": f"cj-{world.chance.seed}-{basket.basket_id}",
        "brand": BRAND,
        "customer_id": f"household-{basket.household_id}",
        "currency": CURRENCY,
    }


def _bought(line: BoughtLine) -> dict[str, Any]:
    return {
        "line_id": str(line.number),
        "sku": sku(line.product_id),
        "quantity": line.quantity,
        "gross_minor": line.gross_minor,
        "discounts": discounts(line),
        "net_minor": line.net_minor,
    }


def discounts(line: BoughtLine) -> tuple[Discount, ...]:
    """Return who gave what off a line. The retailer pays for the loyalty card, and for doubling a coupon."""
    given = (
        ("retailer", "loyalty card", line.retail_discount_minor),
        ("manufacturer", "coupon", line.coupon_discount_minor),
        ("retailer", "coupon match", line.coupon_match_minor),
    )
    return tuple(
        Discount(funder=funder, promotion=promotion, amount_minor=amount)
        for funder, promotion, amount in given
        if amount
    )


def _paid(lines: Sequence[SoldLine]) -> tuple[Tender, ...]:
    """Return the card that paid; the data set tells neither taxes nor tenders."""
    return (Tender(method="card", amount_minor=sum(line.net_minor for line in lines)),)
