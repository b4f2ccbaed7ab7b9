"""The attribution service, declared: which message goes to which decision."""

from collections.abc import Iterable
from functools import partial

from services.attribution import store
from services.attribution.domain.adopt import POLICIES, adopt
from services.attribution.domain.collect import collect
from services.attribution.domain.describe import describe_associate, describe_item, describe_location
from services.attribution.domain.move_stock import move_stock
from services.attribution.domain.place import carried_lines, place
from services.attribution.domain.policy import Policies, Policy
from services.attribution.domain.state import Associate, Item, Location, Sale
from services.attribution.policy.document import read_document, shipped_policy
from shared.engine.service import Service, many, on, one
from shared.events.fulfilment import FulfilmentCollected
from shared.events.inventory import StockMoved
from shared.events.order import OrderPlaced
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed, PolicyPublished


def attribution(*, shipped: Policy | None = None) -> Service:
    """Return the service. `shipped` is the policy that holds until a published one takes effect."""
    shipped = shipped or shipped_policy()
    sale = one("sale", Sale, lambda message: message.order_id)
    associates = many("associates", Associate, _named)
    policies = one("policies", Policies, lambda _: POLICIES)
    return Service(
        name="attribution",
        metadata=store.metadata,
        rows=store.ROWS,
        batch_interval_s=0.15,
        handlers=(
            on(
                OrderPlaced,
                partial(place, shipped=shipped),
                sale,
                one("store", Location, lambda placed: placed.capture_location_id),
                many("items", Item, lambda placed: (line.sku for line in carried_lines(placed))),
                associates,
                policies,
            ),
            on(
                FulfilmentCollected,
                partial(collect, shipped=shipped),
                sale,
                one("store", Location, lambda collected: collected.location_id),
                many("captures", Location, lambda sale: (sale.capture_location_id,), of="sale"),
                many("items", Item, _skus, of="sale"),
                associates,
                many("sellers", Associate, _named, of="sale"),
                policies,
            ),
            on(StockMoved, move_stock),
            on(
                LocationDescribed, describe_location, one("location", Location, lambda described: described.location_id)
            ),
            on(ItemDescribed, describe_item, one("item", Item, lambda described: described.sku)),
            on(
                AssociateDescribed,
                describe_associate,
                one("associate", Associate, lambda described: described.associate_id),
            ),
            on(PolicyPublished, partial(adopt, shipped=shipped, read=read_document), policies),
        ),
    )


def _named(acting: OrderPlaced | FulfilmentCollected | Sale) -> Iterable[str]:
    return filter(None, (acting.associate_id,))


def _skus(sale: Sale) -> Iterable[str]:
    return (line.sku for line in sale.lines)
