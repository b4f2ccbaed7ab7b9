"""Recording what a till sold: a fact, refused by nobody, unless it contradicts itself."""

from datetime import datetime

import pytest

from services.order.domain.place import place
from services.order.domain.record_sale import record_sale
from services.order.domain.state import Buckets
from shared.events.channel import Discount, SaleRecorded, SoldLine, Tender
from shared.events.order import OrderCompleted, OrderPlaced, PlacedLine
from shared.kernel.decision import NOTHING, Decision, Invalid
from shared.kernel.value import replace
from tests.unit.order.orders import BOUGHT_AT, GIVEN, PLACES, pieces, sale, submission, the_order, wanted

SHIRT = SoldLine(line_id="shirt", sku="sku-shirt", quantity=1, gross_minor=1000, net_minor=1000, tax_minor=200)
ON_SALE = Discount(funder="brand", promotion="spring", amount_minor=50)


def test_a_sale_is_placed_and_completed_at_once() -> None:
    decision = record_sale(sale(SHIRT, associate_id="ayse"), GIVEN, order=None)

    placed = OrderPlaced(
        order_id="order-1",
        channel="pos",
        brand="tekil",
        capture_location_id="moda",
        associate_id="ayse",
        currency="TRY",
        lines=(
            PlacedLine(
                line_id="shirt",
                sku="sku-shirt",
                quantity=1,
                gross_minor=1000,
                net_minor=1000,
                tax_minor=200,
                method="carry_out",
                location_id="moda",
            ),
        ),
        tenders=(Tender(method="cash", amount_minor=1200),),
        placed_at=BOUGHT_AT,
    )
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=(placed, OrderCompleted(order_id="order-1")))
    assert row.status == "completed"
    assert pieces(row) == {"shirt": Buckets(collected=1)}


@pytest.mark.parametrize(
    "claimed", ["1970-01-01T00:00Z", "2000-12-31T23:44Z", "2026-03-02T09:45:04Z", "9998-12-31T23:59Z"]
)
def test_a_sale_at_a_time_that_cannot_be_counts_when_we_hear_of_it(claimed: str) -> None:
    at = datetime.fromisoformat(claimed)
    decision = record_sale(sale(SHIRT), replace(GIVEN, occurred_at=at), order=None)
    assert isinstance(decision, Decision)
    event = decision.events[0]
    assert isinstance(event, OrderPlaced)
    assert (event.placed_at, event.claimed_at) == (GIVEN.now, at)
    assert the_order(decision).placed_at == GIVEN.now


@pytest.mark.parametrize("said", ["2000-12-31T23:45Z", "2017-01-02T10:00Z", "2026-03-02T09:45:03Z"])
def test_a_sale_that_was_told_late_or_by_a_clock_a_little_fast_counts_when_it_was(said: str) -> None:
    at = datetime.fromisoformat(said)
    decision = record_sale(sale(SHIRT), replace(GIVEN, occurred_at=at), order=None)
    assert isinstance(decision, Decision)
    event = decision.events[0]
    assert isinstance(event, OrderPlaced)
    assert (event.placed_at, event.claimed_at) == (at, None)


CONTRADICTIONS: dict[str, tuple[SaleRecorded, Invalid]] = {
    "net is not gross less discounts": (
        sale(SHIRT.model_copy(update={"discounts": (ON_SALE,)})),
        Invalid("sums-do-not-add-up", "line shirt: net 1000 is +50 off gross less discounts"),
    ),
    "net is too low": (
        sale(SHIRT.model_copy(update={"net_minor": 900})),
        Invalid("sums-do-not-add-up", "line shirt: net 900 is -100 off gross less discounts"),
    ),
    "paid too little": (
        sale(SHIRT, tenders=(Tender(method="cash", amount_minor=1000),)),
        Invalid("sums-do-not-add-up", "tenders 1000 are -200 off net and tax of all lines"),
    ),
    "paid too much": (
        sale(SHIRT, tenders=(Tender(method="cash", amount_minor=1201),)),
        Invalid("sums-do-not-add-up", "tenders 1201 are +1 off net and tax of all lines"),
    ),
    "two lines of one id": (sale(SHIRT, SHIRT), Invalid("line-id-repeated", "2 lines have the id shirt")),
}


@pytest.mark.parametrize(("contradiction", "answer"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_sale_that_contradicts_itself_is_invalid(contradiction: SaleRecorded, answer: Invalid) -> None:
    assert record_sale(contradiction, GIVEN, order=None) == answer


def test_the_same_sale_again_changes_nothing() -> None:
    first = the_order(record_sale(sale(SHIRT), GIVEN, order=None))
    assert record_sale(sale(SHIRT), GIVEN, order=first) == NOTHING


def test_another_sale_with_a_taken_id_is_invalid() -> None:
    taken = Invalid("order-id-taken", "order order-1 is known already, with other content")
    sold = the_order(record_sale(sale(SHIRT), GIVEN, order=None))
    ordered = the_order(place(submission(), GIVEN, locations=PLACES, order=None))
    assert record_sale(sale(SHIRT, associate_id="ayse"), GIVEN, order=sold) == taken
    assert record_sale(sale(SHIRT), GIVEN, order=ordered) == taken


def test_a_sale_is_not_the_order_that_it_is_written_like() -> None:
    submitted = submission(wanted("shirt", pickup_location_id=None), capture_location_id="moda")
    rejected = the_order(place(submitted, GIVEN, locations=PLACES, order=None))
    alike = sale(
        SoldLine(**submitted.lines[0].model_dump(exclude_defaults=True)), channel="web", tenders=submitted.tenders
    )
    assert alike.model_dump_json(exclude_defaults=True) == submitted.model_dump_json(exclude_defaults=True)
    assert isinstance(record_sale(alike, GIVEN, order=rejected), Invalid)
