"""Pieces were collected."""

import pytest

from services.returns.domain.state import Handover, Purchase, PurchaseLine
from services.returns.domain.take_home import take_home
from shared.events.fulfilment import FulfilmentCollected
from shared.kernel.decision import NOTHING, Decision, Invalid, NotYet
from tests.unit.returns.purchases import COLLECTED_AT, GIVEN, HAT_AT_HOME, collected, purchase, shirts

TWO = Handover("galata", 2, COLLECTED_AT)
ONE = Handover("galata", 1, COLLECTED_AT)

COLLECTIONS = {
    "all": (purchase(shirts(), HAT_AT_HOME), collected(shirts=3), (Handover("galata", 3, COLLECTED_AT),)),
    "a part": (purchase(shirts(), HAT_AT_HOME), collected(shirts=2), (TWO,)),
    "the rest": (purchase(shirts(TWO), HAT_AT_HOME), collected(shirts=1), (TWO, ONE)),
}


@pytest.mark.parametrize(("before", "event", "handovers"), COLLECTIONS.values(), ids=COLLECTIONS)
def test_each_handover_is_remembered(
    before: Purchase, event: FulfilmentCollected, handovers: tuple[Handover, ...]
) -> None:
    after = purchase(shirts(*handovers), HAT_AT_HOME)
    assert take_home(event, GIVEN, purchase=before) == Decision(rows=(after,))


def test_a_handover_told_again_under_a_new_id_is_no_news() -> None:
    before = purchase(shirts(TWO), HAT_AT_HOME)
    assert take_home(collected(so_far=2, shirts=2), GIVEN, purchase=before) == NOTHING
    assert take_home(collected(so_far=3, shirts=1), GIVEN, purchase=before) == Decision(
        rows=(purchase(shirts(TWO, ONE), HAT_AT_HOME),)
    )


def test_an_early_collection_waits_for_the_purchase() -> None:
    assert take_home(collected(shirts=1), GIVEN, purchase=None) == NotYet(Purchase, "order-1")


INVALID = {
    "a line of another order": (
        collected(shirts=1, shoes=1),
        Invalid("line-unknown", "order order-1 has no line shoes"),
    ),
    "more than is left": (
        collected(shirts=2),
        Invalid("more-than-bought", "2 pieces of line shirts were collected, of 1 not yet handed over"),
    ),
    "what was carried out": (
        collected(hat=1),
        Invalid("more-than-bought", "1 pieces of line hat were collected, of 0 not yet handed over"),
    ),
}


@pytest.mark.parametrize(("event", "invalid"), INVALID.values(), ids=INVALID)
def test_what_was_never_bought_cannot_be_collected(event: FulfilmentCollected, invalid: Invalid) -> None:
    assert take_home(event, GIVEN, purchase=purchase(shirts(TWO), HAT_AT_HOME)) == invalid


# Three shirts for 10.00 without tax, and 2.00 of tax: 3.33 + 3.33 + 3.34 and 0.66 + 0.67 + 0.67.
WORTH = {0: (0, 0), 1: (333, 66), 2: (666, 133), 3: (1000, 200)}


@pytest.mark.parametrize(("quantity", "net_and_tax"), WORTH.items())
def test_the_pieces_at_home_are_worth_their_part_of_the_line(quantity: int, net_and_tax: tuple[int, int]) -> None:
    line = shirts(Handover("galata", quantity, COLLECTED_AT)) if quantity else shirts()
    assert (line.handed_over_net_minor, line.handed_over_tax_minor) == net_and_tax


def test_a_purchase_knows_how_many_pieces_could_come_back() -> None:
    half = purchase(shirts(TWO), HAT_AT_HOME)
    assert (half.quantity, half.handed_over) == (4, 3)


def test_illegal_states_cannot_be_built() -> None:
    with pytest.raises(AssertionError, match="more was handed over than bought"):
        shirts(TWO, TWO)
    with pytest.raises(AssertionError, match="a handover of nothing"):
        shirts(Handover("galata", 0, COLLECTED_AT))
    with pytest.raises(AssertionError, match="a line is in a purchase once"):
        purchase(shirts(), shirts())
    with pytest.raises(AssertionError, match="a line of nothing"):
        PurchaseLine("hat", "sku-hat", 0, 0, 0)
    with pytest.raises(AssertionError, match="a purchase of nothing"):
        purchase()
