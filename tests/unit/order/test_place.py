"""Placing what a channel submitted: taken on, rejected with every reason, or waiting for a location."""

import pytest

from services.order.domain import causes, refusals
from services.order.domain.place import place, places
from services.order.domain.state import Buckets, Location, Payment, Rejection
from shared.events.channel import Discount, OrderSubmitted, RequestedLine, Tender
from shared.events.order import OrderPlaced, OrderRejected, PlacedLine, SubmissionRefused
from shared.kernel.decision import NOTHING, Decision, NotYet, Refused
from shared.kernel.value import replace
from tests.unit.order.orders import (
    BOUGHT_AT,
    GIVEN,
    PLACES,
    WEB,
    order,
    pieces,
    refund,
    submission,
    the_order,
    wanted,
    why,
)

ON_SALE = Discount(funder="brand", promotion="spring", amount_minor=500)


def test_a_good_order_is_placed_and_all_of_it_is_pending() -> None:
    submitted = submission(
        wanted("shirts", discounts=(ON_SALE,), net_minor=1500, tax_minor=300),
        wanted("trousers", pickup_location_id="kadikoy"),
        associate_id="ayse",
        customer_id="customer-7",
        when_short="reject_line",
    )

    decision = place(submitted, GIVEN, locations=PLACES, order=None)

    placed = OrderPlaced(
        order_id="order-1",
        channel="web",
        brand="tekil",
        capture_location_id="web",
        associate_id="ayse",
        customer_id="customer-7",
        currency="TRY",
        lines=(
            PlacedLine(
                line_id="shirts",
                sku="sku-shirts",
                quantity=2,
                gross_minor=2000,
                discounts=(ON_SALE,),
                net_minor=1500,
                tax_minor=300,
                method="pickup",
                location_id="moda",
            ),
            PlacedLine(
                line_id="trousers",
                sku="sku-trousers",
                quantity=2,
                gross_minor=2000,
                net_minor=2000,
                tax_minor=400,
                method="pickup",
                location_id="kadikoy",
            ),
        ),
        tenders=(Tender(method="card", amount_minor=4200),),
        when_short="reject_line",
        placed_at=BOUGHT_AT,
    )
    row = the_order(decision)
    assert decision == Decision(rows=(row,), events=(placed,))
    assert row.status == "placed"
    assert pieces(row) == {"shirts": Buckets(pending=2), "trousers": Buckets(pending=2)}
    assert (row.payments, row.placed_at, row.customer_id) == ((Payment("card", 4200),), BOUGHT_AT, "customer-7")


def test_an_order_names_the_places_it_needs() -> None:
    submitted = submission(wanted("a"), wanted("b", pickup_location_id=None), wanted("c", pickup_location_id="kadikoy"))
    assert [*places(submitted)] == ["web", "moda", "kadikoy"]


CONTRADICTIONS: dict[str, RequestedLine] = {
    "net is too high": wanted("a", net_minor=2001),
    "net is too low": wanted("a", net_minor=1999),
    "a discount is forgotten": wanted("a", discounts=(ON_SALE,)),
    "discounts exceed gross": wanted("a", gross_minor=400, discounts=(ON_SALE,), net_minor=0),
}


@pytest.mark.parametrize("line", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_was_not_certainly_paid_is_refunded_by_hand(line: RequestedLine) -> None:
    decision = place(submission(line, wanted("good")), GIVEN, locations=PLACES, order=None)
    row = the_order(decision)
    rejected = OrderRejected(order_id="order-1", reasons=(why(refusals.SumsDoNotAddUp, "a"),), refund="by_hand")
    assert decision == Decision(rows=(row,), events=(rejected,))
    assert (row.status, row.paid_minor, row.owed_back_minor, row.refunded_minor) == (
        "rejected",
        line.net_minor + line.tax_minor + 2400,
        0,
        0,
    )
    assert pieces(row) == {"a": Buckets(cancelled=2), "good": Buckets(cancelled=2)}


REJECTED: dict[str, tuple[RequestedLine, type[Refused]]] = {
    "carried out": (wanted("a", method="carry_out"), refusals.MethodNotOffered),
    "shipped": (wanted("a", method="ship", pickup_location_id=None), refusals.MethodNotOffered),
    "shipped to a store": (wanted("a", method="ship_to_store"), refusals.MethodNotOffered),
    "no store is named": (wanted("a", pickup_location_id=None), refusals.PickupLocationMissing),
    "collected on the web": (wanted("a", pickup_location_id="web"), refusals.PickupNotPossibleThere),
}


@pytest.mark.parametrize(("line", "refusal"), REJECTED.values(), ids=REJECTED)
def test_one_bad_line_rejects_the_order_and_all_that_was_paid_goes_back(
    line: RequestedLine, refusal: type[Refused]
) -> None:
    submitted = submission(line, wanted("good"))
    paid = line.net_minor + line.tax_minor + 2400

    decision = place(submitted, GIVEN, locations=PLACES, order=None)

    row = the_order(decision)
    rejected = OrderRejected(order_id="order-1", reasons=(why(refusal, "a"),), refund="requested")
    assert decision == Decision(rows=(row,), events=(rejected, refund(paid, causes.OrderRejected)))
    assert (row.status, row.refunded_minor) == ("rejected", paid)
    assert row.rejections == (Rejection(refusal.slug, refusal.sentence, "a"),)
    assert pieces(row) == {"a": Buckets(cancelled=2), "good": Buckets(cancelled=2)}


def test_every_reason_is_said_at_once_and_nothing_is_waited_for() -> None:
    submitted = submission(
        wanted("a", net_minor=1990),
        wanted("b", method="ship"),
        wanted("b", pickup_location_id="nowhere"),
        wanted("c", pickup_location_id=None),
        tenders=(Tender(method="gift_card", amount_minor=100), Tender(method="card", amount_minor=50)),
    )

    decision = place(submitted, GIVEN, locations=PLACES, order=None)

    assert isinstance(decision, Decision)
    assert decision.events == (
        OrderRejected(
            order_id="order-1",
            reasons=(
                why(refusals.LineIdRepeated, "b"),
                why(refusals.SumsDoNotAddUp, "a"),
                why(refusals.SumsDoNotAddUp),
                why(refusals.MethodNotOffered, "b"),
                why(refusals.PickupLocationMissing, "c"),
            ),
            refund="by_hand",
        ),
    )


def test_nothing_goes_back_where_nothing_was_paid() -> None:
    decision = place(submission(tenders=()), GIVEN, locations=PLACES, order=None)
    assert isinstance(decision, Decision)
    reasons = (why(refusals.SumsDoNotAddUp),)
    assert decision.events == (OrderRejected(order_id="order-1", reasons=reasons, refund="none"),)


def test_an_order_for_nothing_needs_no_tender() -> None:
    gift = wanted("gift", gross_minor=500, discounts=(ON_SALE,), net_minor=0, tax_minor=0)
    assert the_order(place(submission(gift, tenders=()), GIVEN, locations=PLACES, order=None)).status == "placed"


def test_the_largest_order_that_can_be_written_can_be_refunded() -> None:
    dear = wanted("dear", gross_minor=10**12, net_minor=10**12, tax_minor=10**12, method="ship")
    paid = (Tender(method="card", amount_minor=10**12), Tender(method="transfer", amount_minor=10**12))
    decision = place(submission(dear, tenders=paid), GIVEN, locations=PLACES, order=None)
    assert isinstance(decision, Decision)
    assert decision.events[1] == refund(2 * 10**12, causes.OrderRejected, transfer=10**12, card=10**12)


UNKNOWN: dict[str, tuple[dict[str, Location], str, tuple[str | None, ...]]] = {
    "nobody described anything": ({}, "web", (None, "shirts")),
    "nobody described the web shop": ({"moda": PLACES["moda"]}, "web", (None,)),
    "nobody described the store": ({"web": WEB}, "moda", ("shirts",)),
}


@pytest.mark.parametrize(("locations", "awaited", "about"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_good_order_waits_for_its_locations_and_is_rejected_when_they_never_come(
    locations: dict[str, Location], awaited: str, about: tuple[str | None, ...]
) -> None:
    answer = place(submission(), GIVEN, locations=locations, order=None)

    assert isinstance(answer, NotYet)
    assert (answer.kind, answer.key) == (Location, awaited)
    assert answer.otherwise is not None
    reasons = tuple(why(refusals.LocationUnknown, line_id) for line_id in about)
    rejected = OrderRejected(order_id="order-1", reasons=reasons, refund="requested")
    assert answer.otherwise.events == (rejected, refund(2400, causes.OrderRejected))
    assert the_order(answer.otherwise).status == "rejected"


def test_the_same_order_again_changes_nothing_whether_it_was_taken_on_or_rejected() -> None:
    for submitted in (submission(), submission(wanted("a", method="ship"))):
        first = the_order(place(submitted, GIVEN, locations=PLACES, order=None))
        assert place(submitted, GIVEN, locations=PLACES, order=first) == NOTHING


CHANGED: dict[str, OrderSubmitted] = {
    "another quantity": submission(wanted("shirts", quantity=3)),
    "another store": submission(wanted("shirts", pickup_location_id="kadikoy")),
    "another customer": submission(customer_id="somebody-else"),
    "an order that would be rejected": submission(wanted("shirts", method="ship")),
}


@pytest.mark.parametrize("other", CHANGED.values(), ids=CHANGED)
def test_another_order_with_a_taken_id_is_refused_and_the_first_one_stays(other: OrderSubmitted) -> None:
    first = the_order(place(submission(), GIVEN, locations=PLACES, order=None))
    refused = SubmissionRefused(
        order_id="order-1", request_id="message-9", reason=why(refusals.OrderIdTaken), refund="by_hand"
    )
    later = replace(GIVEN, message_id="message-9")
    assert place(other, later, locations=PLACES, order=first) == Decision(events=(refused,))
    unpaid = other.model_copy(update={"tenders": ()})
    nothing_paid = refused.model_copy(update={"refund": "none"})
    assert place(unpaid, later, locations=PLACES, order=first) == Decision(events=(nothing_paid,))


def test_an_order_knows_itself_again_when_a_channel_spells_out_the_defaults() -> None:
    short, long = submission(), submission(associate_id=None, when_short="reject_order")
    assert short.model_fields_set < long.model_fields_set
    assert place(long, GIVEN, locations=PLACES, order=order()) == NOTHING
