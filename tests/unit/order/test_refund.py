"""Giving money back: over the tenders last first, never more than was paid, to the last cent."""

import pytest

from services.order.domain import causes
from services.order.domain.call_off import call_off
from services.order.domain.refund import refund
from services.order.domain.state import Payment
from shared.events.channel import Tender
from shared.kernel.decision import Decision
from shared.kernel.value import replace
from tests.unit.order.orders import line, order, some, the_order, why

GIFT_CARD_VOUCHER_AND_CARD = (Payment("gift_card", 300), Payment("voucher", 0), Payment("card", 700))


def test_the_last_tender_gets_its_money_back_first() -> None:
    # Three pieces at 333.33: one cancelled after the other, they give back 334, 333 and 333.
    bought = order(line("a", net=1000, tax=0, pending=3), payments=GIFT_CARD_VOUCHER_AND_CARD)
    back = []
    for _ in range(3):
        decision = call_off(bought, [some("a", 1)], sources=("pending",), why=why(causes.CustomerRequest))
        bought = the_order(decision)
        back.append({each.method: each.amount_minor for each in tenders_of(decision)})
    assert back == [{"card": 334}, {"card": 333}, {"card": 33, "gift_card": 300}]
    assert (bought.status, bought.refunded_minor) == ("cancelled", 1000)


def tenders_of(decision: Decision) -> tuple[Tender, ...]:
    """The tenders of the one refund that a decision requests."""
    (requested,) = [event for event in decision.events if event.TYPE == "refund.requested"]
    return requested.tenders  # type: ignore[attr-defined, no-any-return]


def test_two_tenders_of_one_method_stay_two() -> None:
    bought = order(line("a", net=1000, tax=0, pending=1), payments=(Payment("card", 400), Payment("card", 600)))
    decision = call_off(bought, [some("a", 1)], sources=("pending",), why=why(causes.CustomerRequest))
    assert tenders_of(decision) == (
        Tender(method="card", amount_minor=600),
        Tender(method="card", amount_minor=400),
    )


def test_nothing_is_requested_twice() -> None:
    settled = order(line("a", pending=1, cancelled=1))
    assert refund(settled, why(causes.CustomerRequest)) == (settled, ())


def test_net_and_tax_are_rounded_each_for_itself_as_the_books_do() -> None:
    # Of 100 net and 100 tax, the last of three pieces is 34 and 34: together 68, where 200 at once would give 67.
    assert line("a", net=100, tax=100, pending=2, cancelled=1).cancelled_minor == 68
    assert line("a", net=100, tax=100, collected=2, cancelled=1).cancelled_minor == 200 - 66 - 66


@pytest.mark.parametrize("refunded_minor", [-1, 1201, 2400])
def test_an_order_that_gave_back_more_than_it_owes_is_a_bug(refunded_minor: int) -> None:
    known = order(line("a", pending=1, cancelled=1))
    assert known.refunded_minor == 1200
    with pytest.raises(AssertionError):
        replace(known, refunded_minor=refunded_minor)
