"""A small world to tell the tests in: a web shop, two stores of the brand, a partner's store and a warehouse."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from services.attribution.domain.recognition import Player, Players, Recognition
from services.attribution.domain.roles import Role
from services.attribution.domain.state import Discount, Item, Location, Sale, SaleLine
from services.attribution.policy.document import shipped_policy
from shared.events.attribution import AttributionPosted, Posting
from shared.events.channel import Channel, Method
from shared.events.reference import LocationKind
from shared.kernel.decision import Answer, Decision, Given, Invalid

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
GIVEN = Given(now=NOON, occurred_at=NOON, source="/tekil/order", message_id="m-1", service="attribution")
SHIPPED = shipped_policy()


def place(
    location_id: str, kind: LocationKind, *, owner: str = "brand", region: str = "", time_zone: str = "Europe/Istanbul"
) -> Location:
    """A location whose budget is `cc-` and its id, and whose stock the brand owns unless said otherwise."""
    cost_centre = f"cc-{location_id}"
    return Location(location_id, kind, region, cost_centre, owner, time_zone)


WEB = place("web", "online")
STORE_A = place("store-a", "store", region="marmara")
STORE_B = place("store-b", "store", region="aegean")
PARTNER = place("partner", "partner", owner="cc-partner")
WAREHOUSE = place("warehouse", "warehouse")

SHIRT = Item("shirt", category="tops", standard_cost_minor=3_000, currency="EUR")


def sale(*lines: SaleLine, capture: str = "web", channel: Channel = "web", associate: str | None = None) -> Sale:
    return Sale("o-1", channel, "brand-1", capture, associate, "EUR", NOON, lines)


def line(
    net_minor: int,
    *,
    quantity: int = 1,
    method: Method = "pickup",
    line_id: str = "1",
    sku: str = "shirt",
    discounts: Iterable[tuple[str, int]] = (),
    recognised: int = 0,
) -> SaleLine:
    given_away = tuple(Discount(funder, amount_minor) for funder, amount_minor in discounts)
    return SaleLine(line_id, sku, method, quantity, net_minor, given_away, recognised)


def recognition(
    sold: SaleLine, players: Players, *, quantity: int | None = None, channel: Channel = "web", item: Item = SHIRT
) -> Recognition:
    """All that is left of a line becomes final, or as many pieces as are said."""
    taken = sold.quantity - sold.recognised if quantity is None else quantity
    return Recognition(sale(sold, channel=channel), sold, taken, item, players, NOON)


def played(**locations: Location) -> Players:
    """Who played which role, nobody by name."""
    roles: Mapping[Role, Location] = locations  # type: ignore[assignment]
    return {role: Player(location) for role, location in roles.items()}


def decided(answer: Answer) -> Decision:
    assert isinstance(answer, Decision), answer
    return answer


def invalid(answer: Answer) -> Invalid:
    assert isinstance(answer, Invalid), answer
    return answer


def posted(answer: Answer) -> list[AttributionPosted]:
    return [event for event in decided(answer).events if isinstance(event, AttributionPosted)]


def table(postings: Iterable[Posting], book: str) -> list[tuple[str, str, str, int]]:
    """The postings of a book as account, line, counterparty, amount."""
    return [(each.account, each.line, each.counterparty, each.amount) for each in postings if each.book == book]


def by_account(postings: Iterable[Posting], book: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in postings:
        if each.book == book:
            sums[each.account] = sums.get(each.account, 0) + each.amount
    return sums
