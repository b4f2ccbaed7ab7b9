"""To whose performance? The shipped policy's examples, to the minor unit."""

import pytest

from services.attribution.domain import books
from services.attribution.domain.policy import Portion, Rule
from services.attribution.domain.recognition import Player, Players, carried_out, handed_over
from services.attribution.domain.state import Associate, Location, Share
from shared.events.channel import Method
from tests.unit.attribution.world import (
    PARTNER,
    SHIPPED,
    STORE_A,
    STORE_B,
    WAREHOUSE,
    WEB,
    by_account,
    line,
    played,
    recognition,
    table,
)

PICKUP_IN_A = played(capture=WEB, fulfil=STORE_A, handover=STORE_A)
TRIED_IN_A_COLLECTED_IN_B = played(capture=WEB, trial=STORE_A, fulfil=STORE_B, handover=STORE_B)
SHIPPED_FROM_STORE = played(capture=WEB, fulfil=STORE_A)
SHIPPED_FROM_WAREHOUSE = played(capture=WEB, fulfil=WAREHOUSE)
SHIPPED_FROM_WAREHOUSE_AFTER_TRIAL = played(capture=WEB, trial=STORE_A, fulfil=WAREHOUSE)
TO_STORE_FROM_WAREHOUSE = played(capture=WEB, fulfil=WAREHOUSE, handover=STORE_B)
AYSE = Associate("ayse", "store-a", "sales")
MERT = Associate("mert", "store-a", "sales")
AT_THE_TILL = carried_out(store=STORE_A, seller="ayse", associates={"ayse": AYSE})


def shares_of(net_minor: int, method: Method, players: Players) -> tuple[Share, ...]:
    rule = SHIPPED.rule_for(recognition(line(net_minor, method=method), players))
    return books.shares(net_minor, rule, players)


@pytest.mark.parametrize(
    ("net_minor", "method", "players", "credit"),
    [
        (10_000, "carry_out", AT_THE_TILL, {"store-a": 10_000}),
        (10_000, "pickup", PICKUP_IN_A, {"web": 6_000, "store-a": 4_000}),
        (10_001, "pickup", PICKUP_IN_A, {"web": 6_001, "store-a": 4_000}),
        (10_000, "pickup", TRIED_IN_A_COLLECTED_IN_B, {"web": 4_000, "store-a": 2_000, "store-b": 4_000}),
        (10_000, "ship", SHIPPED_FROM_STORE, {"web": 6_000, "store-a": 4_000}),
        (10_000, "ship", SHIPPED_FROM_WAREHOUSE, {"web": 10_000}),
        (10_000, "ship", SHIPPED_FROM_WAREHOUSE_AFTER_TRIAL, {"web": 8_000, "store-a": 2_000}),
        (10_000, "ship_to_store", TO_STORE_FROM_WAREHOUSE, {"web": 6_000, "warehouse": 2_500, "store-b": 1_500}),
        (1, "pickup", PICKUP_IN_A, {"web": 1}),
        (0, "pickup", PICKUP_IN_A, {}),
        (-10_001, "pickup", PICKUP_IN_A, {"web": -6_001, "store-a": -4_000}),
    ],
)
def test_locations_share_the_net_amount(
    net_minor: int, method: Method, players: Players, credit: dict[str, int]
) -> None:
    assert by_account(books.credit(shares_of(net_minor, method, players)), "credit") == credit


def test_every_role_keeps_its_own_posting_and_says_who_stood_in() -> None:
    shares = shares_of(10_001, "pickup", PICKUP_IN_A)
    assert shares == (
        Share("capture", "capture", "web", None, 4_000, 40_004_000, 4_001),
        Share("trial", "capture", "web", None, 2_000, 20_002_000, 2_000),
        Share("fulfil", "fulfil", "store-a", None, 2_500, 25_002_500, 2_500),
        Share("handover", "handover", "store-a", None, 1_500, 15_001_500, 1_500),
    )
    assert table(books.credit(shares), "credit") == [
        ("web", "capture", "", 4_001),
        ("web", "trial", "", 2_000),
        ("store-a", "fulfil", "", 2_500),
        ("store-a", "handover", "", 1_500),
    ]


def test_a_unit_left_over_on_a_tie_goes_to_the_role_that_the_rule_names_first() -> None:
    capture, fulfil = Portion("capture", 5_000), Portion("fulfil", 5_000)
    for first, second in ((capture, fulfil), (fulfil, capture)):
        shares = books.shares(101, Rule("half", (first, second)), PICKUP_IN_A)
        assert {share.role: share.amount_minor for share in shares} == {first.role: 51, second.role: 50}


@pytest.mark.parametrize(
    ("players", "credit"),
    [
        (AT_THE_TILL, {("store-a", "ayse"): 10_000}),
        (
            handed_over(capture=WEB, seller=None, store=STORE_A, handed_over_by="mert", associates={"mert": MERT}),
            {("web", ""): 6_000, ("store-a", ""): 2_500, ("store-a", "mert"): 1_500},
        ),
        (
            {"capture": Player(STORE_B, "ayse"), "fulfil": Player(WAREHOUSE), "handover": Player(STORE_A)},
            {("store-b", "ayse"): 6_000, ("warehouse", ""): 2_500, ("store-a", ""): 1_500},
        ),
    ],
)
def test_an_associate_has_the_part_of_her_location_s_credit_that_names_her(
    players: Players, credit: dict[tuple[str, str], int]
) -> None:
    named: dict[tuple[str, str], int] = {}
    for posting in books.credit(shares_of(10_000, "pickup", players)):
        holder = posting.account, posting.counterparty
        named[holder] = named.get(holder, 0) + posting.amount
    assert named == credit


@pytest.mark.parametrize(("store", "has_owner"), [(STORE_A, False), (PARTNER, True)])
def test_a_location_plays_owner_only_where_the_goods_are_its_own(store: Location, has_owner: bool) -> None:
    assert ("owner" in carried_out(store=store, seller=None, associates={})) is has_owner
