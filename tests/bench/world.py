"""The world of the bench: shops and goods, and orders of three lines whose every answer is known beforehand."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.engine.message import Outgoing, outgoing
from shared.events.channel import Discount, OrderSubmitted, RequestedLine, Tender
from shared.events.event import Event
from shared.events.operations import PickCompleted, PickedLine, PickupHandedOver, StockReceived
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed

SEED = 1
LINES = 3
"""Lines of every order."""
WEB = "web"
PIECES_OF_EACH = 1_000_000
"""Delivered of each sku to each store: nothing runs out where that is not the question."""


@dataclass(frozen=True, slots=True)
class Assortment:
    """Where is sold, and what."""

    stores: int = 10
    skus: int = 200
    pieces_of_each: int = PIECES_OF_EACH

    @property
    def store_ids(self) -> tuple[str, ...]:
        """The stores."""
        return tuple(f"store-{number:02}" for number in range(self.stores))

    @property
    def sku_ids(self) -> tuple[str, ...]:
        """The goods."""
        return tuple(f"sku-{number:04}" for number in range(self.skus))

    @property
    def stock_rows(self) -> int:
        """Pairs of a store and a sku."""
        return self.stores * self.skus


SPREAD = Assortment()
HOT = Assortment(stores=1, skus=1)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the web shop, to be collected in one store."""

    order_id: str
    store: str
    submitted: Outgoing
    picked: Outgoing

    def handed_over(self, code: str) -> Outgoing:
        """What the store says when somebody shows a code."""
        shown = PickupHandedOver(
            order_id=self.order_id, location_id=self.store, code=code, associate_id=f"clerk-{self.store}"
        )
        return said(shown, f"{self.order_id}/handed-over")


def said(event: Event, event_id: str) -> Outgoing:
    """Return an event as the world publishes it, now."""
    return outgoing(event, event_id=event_id, source="/bench", time=datetime.now(UTC), cause_id="", traceparent="")


def described(assortment: Assortment) -> Iterator[Outgoing]:
    """Yield the descriptions of all places, goods and people."""
    web = LocationDescribed(location_id=WEB, kind="online", name="Web shop", brand="fjord", cost_centre="cc-web")
    yield said(web, "location/web")
    for store in assortment.store_ids:
        place = LocationDescribed(location_id=store, kind="store", name=store, brand="fjord", cost_centre=f"cc-{store}")
        yield said(place, f"location/{store}")
        yield said(AssociateDescribed(associate_id=f"clerk-{store}", location_id=store, role="sales"), f"clerk/{store}")
    for number, sku in enumerate(assortment.sku_ids):
        item = ItemDescribed(
            sku=sku,
            name=sku,
            brand="fjord",
            category="autumn",
            standard_cost_minor=300 + 7 * number,
            currency="EUR",
        )
        yield said(item, f"item/{sku}")


def delivered(assortment: Assortment) -> Iterator[Outgoing]:
    """Yield the deliveries of all goods to all stores."""
    for store in assortment.store_ids:
        for sku in assortment.sku_ids:
            delivery = StockReceived(location_id=store, sku=sku, quantity=assortment.pieces_of_each)
            yield said(delivery, f"delivery/{store}/{sku}")


def orders(count: int, *, named: str, assortment: Assortment = SPREAD, seed: int = SEED) -> list[Order]:
    """Return orders, the same for the same seed. `named` begins their ids: no two rounds may share it."""
    chance = random.Random(f"{seed}/{named}")
    return [_order(f"{named}-{number:06}", assortment, chance) for number in range(count)]


def _order(order_id: str, assortment: Assortment, chance: random.Random) -> Order:
    store = chance.choice(assortment.store_ids)
    goods = [chance.choice(assortment.sku_ids) for _ in range(LINES)]
    lines = tuple(_line(number, sku, store, chance) for number, sku in enumerate(goods, start=1))
    due_minor = sum(line.net_minor + line.tax_minor for line in lines)
    submitted = OrderSubmitted(
        order_id=order_id,
        channel="web",
        brand="fjord",
        capture_location_id=WEB,
        customer_id=f"c-{chance.randrange(100_000)}",
        currency="EUR",
        lines=lines,
        tenders=(Tender(method="card", amount_minor=due_minor),),
    )
    return Order(order_id, store, said(submitted, f"{order_id}/submitted"), _picked(order_id, store, lines))


def _line(number: int, sku: str, store: str, chance: random.Random) -> RequestedLine:
    quantity, price_minor = chance.choice((1, 1, 1, 2)), chance.randrange(500, 20_000)
    gross_minor = price_minor * quantity
    off_minor = gross_minor // 10 if number == 1 else 0
    net_minor = gross_minor - off_minor
    return RequestedLine(
        line_id=str(number),
        sku=sku,
        quantity=quantity,
        gross_minor=gross_minor,
        discounts=(Discount(funder="brand", promotion="autumn", amount_minor=off_minor),) if off_minor else (),
        net_minor=net_minor,
        tax_minor=net_minor * 19 // 100,
        method="pickup",
        pickup_location_id=store,
    )


def _picked(order_id: str, store: str, lines: Sequence[RequestedLine]) -> Outgoing:
    found = tuple(PickedLine(line_id=line.line_id, picked_quantity=line.quantity) for line in lines)
    return said(PickCompleted(order_id=order_id, location_id=store, lines=found), f"{order_id}/picked")
