"""Whatever is sold for whatever price under whatever policy, the books balance and the parts make the whole."""

from datetime import UTC, datetime
from functools import reduce

from hypothesis import given, strategies
from hypothesis.strategies import SearchStrategy, composite, integers, lists, permutations, sampled_from, tuples

from services.attribution.domain.booking import Booking, book
from services.attribution.domain.policy import Policy, Portion, Rule
from services.attribution.domain.recognition import Player, Players
from services.attribution.domain.roles import Role
from services.attribution.domain.state import Item, SaleLine
from shared.kernel.money import WHOLE_BP
from shared.kernel.value import replace
from tests.unit.attribution.world import PARTNER, STORE_A, STORE_B, WAREHOUSE, WEB, line, recognition

amounts = integers(0, 10**12)
places = sampled_from([WEB, STORE_A, STORE_B, PARTNER, WAREHOUSE])
players: SearchStrategy[Players] = strategies.fixed_dictionaries(
    {"capture": places.map(Player), "fulfil": places.map(Player)},
    optional={"trial": places.map(Player), "handover": places.map(Player)},
)


@composite
def policies(draw: strategies.DrawFn) -> Policy:
    """Any shares among any of the roles, in any order, that make one whole."""
    every: list[Role] = ["capture", "trial", "fulfil", "handover"]
    roles = draw(permutations(every))[: draw(integers(1, 4))]
    count = len(roles) - 1
    cuts = sorted(draw(lists(integers(1, WHOLE_BP - 1), min_size=count, max_size=count, unique=True)))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, WHOLE_BP], strict=True)]
    credit = tuple(
        Portion(role, size, otherwise=() if role in ("capture", "fulfil") else ("capture",))
        for role, size in zip(roles, sizes, strict=True)
    )
    fees = draw(integers(0, 10_000))
    return Policy("any-1", datetime(2026, 1, 1, tzinfo=UTC), (Rule("any", credit),), {"pickup": {"EUR": fees}})


@composite
def lines_in_parts(draw: strategies.DrawFn) -> tuple[SaleLine, list[int]]:
    """A line, and the sizes of the parts in which all of it becomes final."""
    parts = draw(lists(integers(1, 50), min_size=1, max_size=8))
    discounts = draw(lists(tuples(sampled_from(["brand", "maker"]), amounts), max_size=3))
    return line(draw(amounts), quantity=sum(parts), discounts=discounts), parts


def sums(bookings: list[Booking]) -> dict[tuple[str, str, str, str], int]:
    """The total of each account and line, credit only by book: its rounding is each entry's own."""
    totals: dict[tuple[str, str, str, str], int] = {}
    for each in (posting for booking in bookings for posting in booking.postings):
        key = (
            ("credit", "", "", "") if each.book == "credit" else (each.book, each.account, each.line, each.counterparty)
        )
        totals[key] = totals.get(key, 0) + each.amount
    return {key: total for key, total in totals.items() if total}


def book_parts(sold: SaleLine, parts: list[int], players: Players, policy: Policy, item: Item) -> list[Booking]:
    def next_part(booked: list[Booking], quantity: int) -> list[Booking]:
        so_far = replace(sold, recognised=sum(each.entry.quantity for each in booked))
        part = recognition(so_far, players, quantity=quantity, item=item)
        return [*booked, book(part, policy, entry_id=f"e-{len(booked)}", cause_id="m-1")]

    return reduce(next_part, parts, list[Booking]())


@given(lines_in_parts(), players, policies(), integers(0, 10**9))
def test_every_part_balances_and_all_parts_make_the_line(
    sold_in_parts: tuple[SaleLine, list[int]], players: Players, policy: Policy, cost_minor: int
) -> None:
    sold, parts = sold_in_parts
    item = Item("shirt", "tops", cost_minor, "EUR")
    bookings = book_parts(sold, parts, players, policy, item)
    for booking in bookings:
        by_book = {"stock": 0, "budget": 0, "credit": 0}
        for posting in booking.postings:
            by_book[posting.book] += posting.amount
        assert by_book == {"stock": 0, "budget": 0, "credit": booking.entry.net_minor}
    assert sums(bookings) == sums(book_parts(sold, [sold.quantity], players, policy, item))
    assert sum(booking.entry.net_minor for booking in bookings) == sold.net_minor


@given(amounts, players, policies())
def test_a_share_is_never_off_by_a_whole_unit(net_minor: int, players: Players, policy: Policy) -> None:
    booking = book(recognition(line(net_minor), players), policy, entry_id="e-1", cause_id="m-1")
    for share in booking.entry.shares:
        assert abs(share.amount_minor * WHOLE_BP - share.exact_ten_thousandths) < WHOLE_BP
        assert share.location_id == players[share.played_by].location.location_id
