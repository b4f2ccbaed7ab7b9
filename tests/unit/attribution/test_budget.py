"""Into whose budget, and from whose stock? Exact postings, and each cost centre's own books."""

from collections.abc import Sequence

import pytest

from services.attribution.domain import books
from services.attribution.domain.recognition import Players, carried_out, handed_over
from services.attribution.domain.state import Location
from shared.kernel.value import replace
from tests.unit.attribution.world import PARTNER, SHIPPED, SHIRT, STORE_A, WEB, line, place, played, recognition, table

PICKUP_IN_A = played(capture=WEB, fulfil=STORE_A, handover=STORE_A)
TWO_DISCOUNTS = [("brand", 1_500), ("maker", 500)]


def test_an_order_of_the_web_shop_that_a_store_hands_over() -> None:
    sold = recognition(line(8_000, discounts=TWO_DISCOUNTS), PICKUP_IN_A)
    assert table(books.budget(sold, SHIPPED), "budget") == [
        ("cc-web", "revenue", "", 10_000),
        ("cc-web", "discount", "brand", -1_500),
        ("cc-web", "discount", "maker", -500),
        ("customer", "customer", "", -8_000),
        ("cc-web", "cost_of_goods", "", -3_000),
        ("brand", "stock", "", 3_000),
        ("cc-web", "due_to", "brand", 3_000),
        ("brand", "due_from", "cc-web", -3_000),
        ("cc-store-a", "handling", "cc-web", 150),
        ("cc-web", "handling", "cc-store-a", -150),
    ]


def test_a_partner_that_sells_its_own_goods_owes_nobody() -> None:
    sold = recognition(line(8_000, method="carry_out"), carried_out(store=PARTNER, seller=None, associates={}))
    assert table(books.budget(sold, SHIPPED), "budget") == [
        ("cc-partner", "revenue", "", 8_000),
        ("customer", "customer", "", -8_000),
        ("cc-partner", "cost_of_goods", "", -3_000),
        ("cc-partner", "stock", "", 3_000),
    ]


def test_what_was_given_away_in_full_has_no_customer_posting() -> None:
    sold = recognition(
        line(0, method="carry_out", discounts=[("brand", 900)]), carried_out(store=PARTNER, seller=None, associates={})
    )
    assert table(books.budget(sold, SHIPPED), "budget")[:2] == [
        ("cc-partner", "revenue", "", 900),
        ("cc-partner", "discount", "brand", -900),
    ]


def test_a_cost_beyond_belief_is_not_booked_and_the_sale_is() -> None:
    sold = recognition(line(8_000, quantity=2), PICKUP_IN_A, item=replace(SHIRT, standard_cost_minor=10**15 // 2 + 1))
    assert sold.cost_minor is None
    assert {posting.line for posting in books.budget(sold, SHIPPED)} == {"revenue", "customer", "handling"}
    dear = recognition(line(8_000, quantity=2), PICKUP_IN_A, item=replace(SHIRT, standard_cost_minor=10**15 // 2))
    assert dear.cost_minor == 10**15


def test_a_cost_in_another_currency_is_not_booked() -> None:
    sold = recognition(line(8_000), PICKUP_IN_A, item=replace(SHIRT, currency="TRY"))
    assert sold.cost_minor is None
    assert {posting.line for posting in books.budget(sold, SHIPPED)} == {"revenue", "customer", "handling"}


@pytest.mark.parametrize("shelf", [STORE_A, PARTNER, place("seller", "store", owner="cc-web")])
def test_each_cost_centre_balances_what_it_owes_against_what_it_had(shelf: Location) -> None:
    sold = recognition(line(8_000, quantity=2), played(capture=WEB, fulfil=shelf, handover=shelf))
    postings = [each for each in books.budget(sold, SHIPPED) if each.line not in ("revenue", "customer", "handling")]
    sums: dict[str, int] = {}
    for each in postings:
        sums[each.account] = sums.get(each.account, 0) + each.amount
    assert set(sums.values()) == {0}


@pytest.mark.parametrize(
    ("players", "currency", "fee_minor"),
    [
        (PICKUP_IN_A, "EUR", 150),
        (PICKUP_IN_A, "JPY", 0),
        (played(capture=STORE_A, fulfil=STORE_A, handover=STORE_A), "EUR", 0),
    ],
)
def test_a_handling_fee_is_earned_for_another_location_s_order(players: Players, currency: str, fee_minor: int) -> None:
    sold = recognition(line(8_000), players)
    sold = replace(sold, sale=replace(sold.sale, currency=currency))
    earned = [posting.amount for posting in books.budget(sold, SHIPPED) if posting.line == "handling"]
    assert earned == ([fee_minor, -fee_minor] if fee_minor else [])


@pytest.mark.parametrize(
    ("taken", "net", "revenue", "handling"),
    [
        ([3], [1_000], [1_100], [150]),
        ([1, 1, 1], [333, 333, 334], [365, 367, 368], [50, 50, 50]),
        ([1, 2], [333, 667], [365, 735], [50, 100]),
        ([2, 1], [666, 334], [732, 368], [100, 50]),
    ],
)
def test_parts_of_a_line_add_up_to_the_line(
    taken: Sequence[int], net: list[int], revenue: list[int], handling: list[int]
) -> None:
    sold = line(1_000, quantity=3, discounts=[("brand", 50), ("maker", 50)])
    found: list[tuple[int, int, int]] = []
    for quantity in taken:
        part = recognition(sold, PICKUP_IN_A, quantity=quantity)
        lines = {posting.line: posting.amount for posting in reversed(books.budget(part, SHIPPED))}
        found.append((part.net_minor, lines["revenue"], lines["handling"]))
        sold = replace(sold, recognised=sold.recognised + quantity)
    assert found == list(zip(net, revenue, handling, strict=True))


def test_pieces_go_from_the_shelf_to_the_customer() -> None:
    players = handed_over(capture=WEB, seller=None, store=STORE_A, handed_over_by=None, associates={})
    assert table(books.stock(recognition(line(8_000, quantity=2), players)), "stock") == [
        ("store-a", "", "", -2),
        ("customer", "", "", 2),
    ]
