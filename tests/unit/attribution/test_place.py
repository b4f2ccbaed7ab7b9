"""An order was placed: only what was carried out is earned."""

from datetime import UTC, datetime

import pytest

from services.attribution.domain.place import place
from services.attribution.domain.policy import Policies, Policy, Portion, Rule
from services.attribution.domain.state import Associate, Discount, Entry, Holder, Item, Location, Sale, SaleLine
from shared.events.attribution import AttributionPosted
from shared.events.channel import Discount as GivenAway
from shared.events.channel import Method
from shared.events.order import OrderPlaced, PlacedLine
from shared.kernel.decision import NOTHING, Answer, Invalid, NotYet
from shared.kernel.value import replace
from tests.unit.attribution.world import GIVEN, NOON, SHIPPED, SHIRT, STORE_A, decided, posted, table

AYSE = Associate("ayse", "store-a", "sales")
NEW_YEAR_IN_ISTANBUL = datetime(2026, 12, 31, 21, 30, tzinfo=UTC)


def placed_line(line_id: str, method: Method, quantity: int = 1, net_minor: int = 9_000) -> PlacedLine:
    return PlacedLine(
        line_id=line_id,
        sku="shirt",
        quantity=quantity,
        gross_minor=net_minor + 1_000,
        discounts=(GivenAway(funder="brand", promotion="autumn", amount_minor=1_000),),
        net_minor=net_minor,
        method=method,
        location_id="store-a",
    )


def order(*lines: PlacedLine, capture: str = "store-a", at: datetime = NOON) -> OrderPlaced:
    return OrderPlaced(
        order_id="o-1",
        channel="pos",
        brand="brand-1",
        capture_location_id=capture,
        associate_id="ayse",
        currency="EUR",
        lines=lines,
        placed_at=at,
    )


def answer(
    placed: OrderPlaced,
    *,
    sale: Sale | None = None,
    store: Location | None = STORE_A,
    item: Item | None = SHIRT,
    associate: Associate | None = AYSE,
    policies: Policies | None = None,
) -> Answer:
    items = {} if item is None else {"shirt": item}
    associates = {each.associate_id: each for each in [associate] if each}
    return place(
        placed, GIVEN, sale=sale, store=store, items=items, associates=associates, policies=policies, shipped=SHIPPED
    )


def test_an_order_for_pickup_is_kept_and_earns_nothing_yet() -> None:
    decision = decided(answer(order(placed_line("1", "pickup", 2)), store=None, item=None))
    kept = SaleLine("1", "shirt", "pickup", 2, 9_000, (Discount("brand", 1_000),))
    assert decision.rows == (Sale("o-1", "pos", "brand-1", "store-a", "ayse", "EUR", NOON, (kept,)),)
    assert decision.events == ()


def test_a_carry_out_gives_its_store_everything() -> None:
    [event] = posted(answer(order(placed_line("1", "carry_out", 2))))
    assert event == AttributionPosted(
        order_id="o-1",
        entry_id=GIVEN.new_id("entry:0"),
        line_id="1",
        sku="shirt",
        quantity=2,
        flow="carry_out",
        channel="pos",
        currency="EUR",
        net_minor=9_000,
        recognised_at=NOON,
        period="2026-11",
        policy_version="shipped-1",
        rule="every-other-sale",
        postings=event.postings,
    )
    assert table(event.postings, "stock") == [("store-a", "", "", -2), ("customer", "", "", 2)]
    assert table(event.postings, "budget") == [
        ("cc-store-a", "revenue", "", 10_000),
        ("cc-store-a", "discount", "brand", -1_000),
        ("customer", "customer", "", -9_000),
        ("cc-store-a", "cost_of_goods", "", -6_000),
        ("brand", "stock", "", 6_000),
        ("cc-store-a", "due_to", "brand", 6_000),
        ("brand", "due_from", "cc-store-a", -6_000),
    ]
    assert table(event.postings, "credit") == [
        ("store-a", "capture", "ayse", 3_600),
        ("store-a", "trial", "ayse", 1_800),
        ("store-a", "fulfil", "ayse", 2_250),
        ("store-a", "handover", "ayse", 1_350),
    ]


def test_the_journal_keeps_what_explains_an_entry() -> None:
    decision = decided(answer(order(placed_line("1", "carry_out"))))
    entry = next(row for row in decision.rows if isinstance(row, Entry))
    assert (entry.entry_id, entry.cause_id) == (GIVEN.new_id("entry:0"), "m-1")
    assert (entry.policy_version, entry.rule) == ("shipped-1", "every-other-sale")
    assert entry.holders == tuple(Holder(role, "store-a", "ayse") for role in ("capture", "fulfil", "handover"))
    assert [(share.role, share.played_by, share.basis_points) for share in entry.shares] == [
        ("capture", "capture", 4_000),
        ("trial", "capture", 2_000),
        ("fulfil", "fulfil", 2_500),
        ("handover", "handover", 1_500),
    ]


@pytest.mark.parametrize("associate", [None, Associate("ayse", "store-b", "sales")], ids=["unknown", "works elsewhere"])
def test_a_store_is_credited_whoever_sold_and_an_associate_only_where_she_works(associate: Associate | None) -> None:
    decision = decided(answer(order(placed_line("1", "carry_out", 2)), associate=associate))
    [event] = posted(decision)
    assert table(event.postings, "credit") == [
        ("store-a", "capture", "", 3_600),
        ("store-a", "trial", "", 1_800),
        ("store-a", "fulfil", "", 2_250),
        ("store-a", "handover", "", 1_350),
    ]
    entry = next(row for row in decision.rows if isinstance(row, Entry))
    assert entry.holders == tuple(Holder(role, "store-a", None, "ayse") for role in ("capture", "fulfil", "handover"))


def test_of_a_mixed_order_only_the_carried_lines_are_final() -> None:
    decision = decided(answer(order(placed_line("1", "pickup"), placed_line("2", "carry_out"))))
    sale = decision.rows[0]
    assert isinstance(sale, Sale)
    assert [line.recognised for line in sale.lines] == [0, 1]
    assert [event.line_id for event in posted(decision)] == ["2"]


def test_it_waits_for_the_store_then_for_the_item() -> None:
    placed = order(placed_line("1", "carry_out"))
    assert answer(placed, store=None, item=None) == NotYet(Location, "store-a")
    assert answer(placed, item=None) == NotYet(Item, "shirt")


def test_an_order_without_lines_or_with_a_line_twice_is_set_aside() -> None:
    assert answer(order()) == Invalid("lines-contradict", "order o-1 has no lines")
    twice = order(placed_line("1", "pickup"), placed_line("1", "carry_out"))
    assert answer(twice) == Invalid("lines-contradict", "order o-1 has line 1 twice")


def test_an_order_that_is_known_changes_nothing() -> None:
    placed = order(placed_line("1", "carry_out"))
    sale = decided(answer(placed)).rows[0]
    assert isinstance(sale, Sale)
    assert answer(placed, sale=sale) == NOTHING


@pytest.mark.parametrize(("store", "period"), [(STORE_A, "2027-01"), (replace(STORE_A, time_zone="UTC"), "2026-12")])
def test_the_month_is_that_of_the_capturing_store_s_calendar(store: Location, period: str) -> None:
    [event] = posted(answer(order(placed_line("1", "carry_out"), at=NEW_YEAR_IN_ISTANBUL), store=store))
    assert event.period == period


def test_the_policy_of_the_day_of_the_sale_holds() -> None:
    ours = Policy("ours-1", NOON, (Rule("all-to-capture", (Portion("capture", 10_000),)),))
    policies = Policies("attribution", (ours,))
    [before] = posted(
        answer(order(placed_line("1", "carry_out"), at=datetime(2026, 11, 1, tzinfo=UTC)), policies=policies)
    )
    [after] = posted(answer(order(placed_line("1", "carry_out")), policies=policies))
    assert (before.policy_version, before.rule) == ("shipped-1", "every-other-sale")
    assert (after.policy_version, after.rule) == ("ours-1", "all-to-capture")
    assert table(after.postings, "credit") == [("store-a", "capture", "ayse", 9_000)]
