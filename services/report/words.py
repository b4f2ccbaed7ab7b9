"""The report in words: what fates and reasons mean to people, and amounts as they write them."""

from collections.abc import Mapping

from services.replay.ledger import Fate
from services.replay.purchase import WEB
from services.report.report import Counted, Refusals

FATES: Mapping[Fate, str] = {
    Fate("till", "completed"): "carried out of a store",
    Fate("web", "completed"): "collected in a store",
    Fate("web", "rejected", "stock-unavailable"): "turned down, out of stock",
    Fate("web", "cancelled", "stock-unavailable"): "left out, out of stock",
    Fate("web", "cancelled", "short-pick"): "missing on the shelf",
    Fate("web", "cancelled", "customer-request"): "called off by the customer",
    Fate("web", "waiting", "not-collected"): "waiting for the customer",
    Fate("none", "not_sent", "quantity-zero"): "quantity 0, nothing sold",
    Fate("none", "not_sent", "discounts-exceed-price"): "discounts exceed the price",
}
FLOWS = {"carry_out": "carried out", "pickup": "collected"}
ROLES = {"capture": "took the order", "trial": "trial share", "fulfil": "picked it", "handover": "handed it over"}


def fate(counted: Counted) -> str:
    """Return what became of a line or an order, in words."""
    known = FATES.get(Fate(counted.channel, counted.outcome, counted.why))
    return known or " ".join([counted.outcome, slug(counted.why)]).strip()


def refusal(refused: Refusals) -> str:
    """Return what was refused and why, in words."""
    what, _, _ = refused.event.partition(".")
    return f"{what}: {slug(refused.reason)}"


def place(location_id: str) -> str:
    """Return a location or an associate as people call it."""
    return "web shop" if location_id == WEB else slug(location_id)


def slug(text: str) -> str:
    """Return a slug as words."""
    return text.replace("-", " ").replace("_", " ")


def amount(minor: int, currency: str = "") -> str:
    """Return minor units as people write them. Two decimals, as the replay's currency has.

    >>> amount(-1000100, "USD")
    '-10,001.00 USD'
    """
    sign, size = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{size // 100:,}.{size % 100:02d} {currency}".rstrip()
