"""A recognition: pieces of a line that became final, with all that the policy and the books need to know of them."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from services.attribution.domain.roles import Role
from services.attribution.domain.state import Associate, Discount, Item, Location, Sale, SaleLine
from shared.kernel.money import part
from shared.kernel.value import Value


class Player(Value):
    """Where a role was played, and by whom if a person acted."""

    location: Location
    associate_id: str | None = None
    not_credited: str | None = None
    """Whoever was named and is not described as working there: the location has the credit, and nobody in it."""


Players = Mapping[Role, Player]

COST_MAX_MINOR = 10**15
"""The most that a posting holds. More is a slip of the keyboard in the master data, and no reason to lose a sale."""


class Recognition(Value):
    """These many more pieces of the line, after those that it counts as recognised, became final."""

    sale: Sale
    line: SaleLine
    quantity: int
    item: Item
    players: Players
    recognised_at: datetime

    def part_of(self, amount_minor: int) -> int:
        """Return what these pieces are of an amount for the whole line."""
        return part(amount_minor, whole=self.line.quantity, before=self.line.recognised, taken=self.quantity)

    @property
    def net_minor(self) -> int:
        """What the customer paid for them, without tax."""
        return self.part_of(self.line.net_minor)

    @property
    def discounts(self) -> tuple[Discount, ...]:
        """What was given away on them."""
        return tuple(Discount(each.funder, self.part_of(each.amount_minor)) for each in self.line.discounts)

    @property
    def gross_minor(self) -> int:
        """Their list price: summed from its parts, because three rounded numbers need not add up."""
        return self.net_minor + sum(discount.amount_minor for discount in self.discounts)

    @property
    def cost_minor(self) -> int | None:
        """Their standard cost, or None where it is in another currency than the order, or more than anything costs."""
        cost_minor = self.item.standard_cost_minor * self.quantity
        return cost_minor if self.item.currency == self.sale.currency and cost_minor <= COST_MAX_MINOR else None

    @property
    def period(self) -> str:
        """The month in which it counts, by the calendar of where the order was taken."""
        there = self.recognised_at.astimezone(ZoneInfo(self.players["capture"].location.time_zone))
        return f"{there.year:04}-{there.month:02}"


def player(location: Location, named: str | None, associates: Mapping[str, Associate]) -> Player:
    """Return where a role was played, and by whom if that is somebody who works there."""
    known = associates.get(named or "")
    if known is not None and known.location_id == location.location_id:
        return Player(location, named)
    return Player(location, not_credited=named)


def carried_out(*, store: Location, seller: str | None, associates: Mapping[str, Associate]) -> Players:
    """Return who plays which role at a till: whoever sells also takes it from the shelf and hands it over."""
    till = player(store, seller, associates)
    return _with_owner({"capture": till, "fulfil": till, "handover": till})


def handed_over(
    *,
    capture: Location,
    seller: str | None,
    store: Location,
    handed_over_by: str | None,
    associates: Mapping[str, Associate],
) -> Players:
    """Return who plays which role when a store hands over what was ordered before. Nobody says who picked it."""
    return _with_owner(
        {
            "capture": player(capture, seller, associates),
            "fulfil": Player(store),
            "handover": player(store, handed_over_by, associates),
        }
    )


def _with_owner(players: Players) -> Players:
    """Add the owner of the stock, where that is a location: a brand that owns it is a cost centre only."""
    shelf = players["fulfil"].location
    return {**players, "owner": Player(shelf)} if shelf.owns_its_stock else players
