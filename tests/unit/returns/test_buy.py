"""An order is placed."""

from services.returns.domain.buy import buy
from services.returns.domain.state import Handover
from shared.kernel.decision import NOTHING, Decision, Invalid
from tests.unit.returns.purchases import (
    COLLECTED_AT,
    GIVEN,
    HAT,
    HAT_AT_HOME,
    SHIRTS,
    placed,
    purchase,
    shirts,
)


def test_what_is_to_be_collected_is_not_yet_with_the_customer() -> None:
    assert buy(placed(SHIRTS), GIVEN, purchase=None) == Decision(rows=(purchase(shirts()),))


def test_what_was_carried_out_is() -> None:
    assert buy(placed(SHIRTS, HAT), GIVEN, purchase=None) == Decision(rows=(purchase(shirts(), HAT_AT_HOME),))


def test_an_order_without_lines_or_with_a_line_twice_is_set_aside() -> None:
    assert buy(placed(), GIVEN, purchase=None) == Invalid("lines-contradict", "order order-1 has no lines")
    twice = Invalid("lines-contradict", "order order-1 has line hat twice")
    assert buy(placed(HAT, HAT), GIVEN, purchase=None) == twice


def test_an_order_that_is_known_forgets_nothing() -> None:
    known = purchase(shirts(Handover("galata", 2, COLLECTED_AT)), HAT_AT_HOME)
    assert buy(placed(SHIRTS, HAT), GIVEN, purchase=known) == NOTHING
