"""Pieces were handed over: the web shop's order, collected in a store."""

from datetime import UTC, datetime

import pytest

from services.attribution.domain.collect import collect
from services.attribution.domain.state import Associate, Entry, Holder, Item, Location, Sale
from shared.events.fulfilment import FulfilmentCollected, SettledLine
from shared.kernel.decision import NOTHING, Answer, Invalid, NotYet
from shared.kernel.value import replace
from tests.unit.attribution.world import (
    GIVEN,
    NOON,
    SHIPPED,
    SHIRT,
    STORE_A,
    WEB,
    by_account,
    decided,
    line,
    posted,
    sale,
    table,
)

ORDER = sale(line(10_001, quantity=3), line(500, line_id="2"))


def collected(*lines: tuple[str, int], by: str | None = None, so_far: int | None = None) -> FulfilmentCollected:
    return FulfilmentCollected(
        order_id="o-1",
        location_id="store-a",
        lines=tuple(
            SettledLine(line_id=line_id, sku="shirt", quantity=quantity, so_far_quantity=so_far)
            for line_id, quantity in lines
        ),
        collected_by="customer",
        associate_id=by,
        collected_at=NOON,
    )


def answer(
    event: FulfilmentCollected,
    *,
    order: Sale | None = ORDER,
    store: Location | None = STORE_A,
    capture: Location | None = WEB,
    item: Item | None = SHIRT,
) -> Answer:
    return collect(
        event,
        GIVEN,
        sale=order,
        store=store,
        captures={"web": capture} if capture else {},
        items={"shirt": item} if item else {},
        associates={"mert": Associate("mert", "store-a", "sales")},
        sellers={"ayse": Associate("ayse", "web", "chat")},
        policies=None,
        shipped=SHIPPED,
    )


def test_web_order_collected_in_a_store_is_shared_60_to_40() -> None:
    [event] = posted(answer(collected(("1", 3), by="mert")))
    assert (event.flow, event.channel, event.net_minor, event.period) == ("pickup", "web", 10_001, "2026-11")
    assert by_account(event.postings, "credit") == {"web": 6_001, "store-a": 4_000}
    assert table(event.postings, "credit") == [
        ("web", "capture", "", 4_001),
        ("web", "trial", "", 2_000),
        ("store-a", "fulfil", "", 2_500),
        ("store-a", "handover", "mert", 1_500),
    ]
    assert by_account(event.postings, "stock") == {"store-a": -3, "customer": 3}
    assert by_account(event.postings, "budget") == {"cc-web": 9_851, "customer": -10_001, "brand": 0, "cc-store-a": 150}


def test_holders_name_the_seller_and_who_handed_it_over() -> None:
    decision = decided(answer(collected(("1", 1), by="mert"), order=replace(ORDER, associate_id="ayse")))
    entry = next(row for row in decision.rows if isinstance(row, Entry))
    assert entry.holders == (
        Holder("capture", "web", "ayse"),
        Holder("fulfil", "store-a", None),
        Holder("handover", "store-a", "mert"),
    )


def test_an_associate_of_another_place_is_not_credited() -> None:
    decision = decided(answer(collected(("1", 1), by="ayse"), order=replace(ORDER, associate_id="mert")))
    entry = next(row for row in decision.rows if isinstance(row, Entry))
    assert entry.holders == (
        Holder("capture", "web", None, "mert"),
        Holder("fulfil", "store-a", None),
        Holder("handover", "store-a", None, "ayse"),
    )
    assert [each.counterparty for each in posted(decision)[0].postings if each.book == "credit"] == ["", "", "", ""]


def test_it_counts_in_the_month_of_the_handover_not_of_the_order() -> None:
    december = datetime(2026, 12, 1, 9, tzinfo=UTC)
    [event] = posted(answer(collected(("1", 3)).model_copy(update={"collected_at": december})))
    assert (ORDER.placed_at, event.recognised_at, event.period) == (NOON, december, "2026-12")


def test_nothing_counts_before_its_order_was_placed() -> None:
    long_ago = datetime(2003, 1, 5, 9, tzinfo=UTC)
    [event] = posted(answer(collected(("1", 3)).model_copy(update={"collected_at": long_ago})))
    assert (event.recognised_at, event.period) == (NOON, "2026-11")


def test_each_line_is_an_entry_of_its_own() -> None:
    decision = decided(answer(collected(("1", 3), ("2", 1))))
    assert [(each.line_id, each.net_minor) for each in posted(decision)] == [("1", 10_001), ("2", 500)]
    assert len({each.entry_id for each in posted(decision)}) == 2


def test_parts_that_are_collected_one_by_one_make_the_line() -> None:
    order, nets = ORDER, []
    for _ in range(3):
        decision = decided(answer(collected(("1", 1)), order=order))
        assert isinstance(decision.rows[0], Sale)
        order = decision.rows[0]
        nets += [event.net_minor for event in posted(decision)]
    assert nets == [3_333, 3_334, 3_334]
    assert order == ORDER.recognising("1", 3)


def test_a_handover_told_again_under_a_new_id_is_no_news() -> None:
    order = sale(line(10_001, quantity=3, recognised=2))
    assert answer(collected(("1", 2), so_far=2), order=order) == NOTHING
    [event] = posted(answer(collected(("1", 2), so_far=3), order=order))
    assert (event.quantity, event.net_minor) == (1, 3_334)


def test_a_line_named_twice_in_one_handover_counts_its_pieces_in_turn() -> None:
    assert [event.net_minor for event in posted(answer(collected(("1", 1), ("1", 2))))] == [3_333, 6_668]


@pytest.mark.parametrize(
    ("missing", "waits"),
    [
        ("order", NotYet(Sale, "o-1")),
        ("capture", NotYet(Location, "web")),
        ("store", NotYet(Location, "store-a")),
        ("item", NotYet(Item, "shirt")),
    ],
)
def test_it_waits_for_what_was_not_told_yet(missing: str, waits: NotYet) -> None:
    assert answer(collected(("1", 1)), **{missing: None}) == waits


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ([("9", 1)], Invalid("line-unknown", "order o-1 has no line 9")),
        ([("1", 4)], Invalid("more-than-sold", "4 of line 1 became final after 0 of 3")),
        ([("1", 2), ("1", 2)], Invalid("more-than-sold", "2 of line 1 became final after 2 of 3")),
        ([("2", 1), ("9", 1)], Invalid("line-unknown", "order o-1 has no line 9")),
    ],
)
def test_what_was_never_sold_cannot_become_final(lines: list[tuple[str, int]], refusal: Invalid) -> None:
    assert answer(collected(*lines)) == refusal
