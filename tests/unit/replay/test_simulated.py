"""A replay on the simulated services: nothing that was read goes unaccounted for."""

from collections import Counter
from datetime import timedelta
from itertools import chain

import pytest

from services.registry import all_services
from services.replay.dataset import read_baskets, read_own_stores, read_products
from services.replay.habits import Chance, Habits
from services.replay.hearing import hear
from services.replay.ledger import Fate, Ledger
from services.replay.plan import plan
from services.replay.purchase import World
from services.replay.staff import People
from shared.engine.simulation import ManualClock, Simulation
from shared.events import fulfilment, order
from shared.runtime.settings import Settings

BASKETS = 60
HEARD = frozenset({order.TOPIC, fulfilment.TOPIC})
EVENTFUL = Habits(
    orders_on_web=6000,
    never_delivered=100,
    short_on_shelf=2000,
    calls_off_early=1000,
    calls_off_late=1000,
    never_comes=1000,
    wrong_code=2000,
    comes_twice=2000,
)


def played(habits: Habits, seed: int = 1) -> Ledger:
    """Play the first baskets of the year in memory."""
    clock = ManualClock()
    simulation = Simulation(all_services(Settings()), clock, parked_max_age=timedelta(days=1))
    chance, ledger = Chance(seed), Ledger()
    people = People(chance, habits)
    for day in plan(read_baskets(BASKETS), World(chance, habits, read_own_stores()), read_products()):
        for said in (*day.described, *day.delivered):
            simulation.publish(said.record())
        simulation.settle()
        for each in day.purchases:
            ledger.read(each.basket)
            ledger.sent(each)
            simulation.publish(each.said.record())
        for visit in day.not_sold:
            ledger.read(visit)
        _settle(simulation, people, ledger)
    return ledger


def _settle(simulation: Simulation, people: People, ledger: Ledger) -> None:
    while True:
        simulation.settle()
        published = simulation.take_published()
        answers = hear(
            [each for each in published if each.topic in HEARD or each.topic.endswith(".dlq")], people, ledger
        )
        if not answers:
            return
        for said in answers:
            simulation.publish(said.record())


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return played(EVENTFUL)


def test_every_line_and_every_order_has_a_fate(ledger: Ledger) -> None:
    visits = list(read_baskets(BASKETS))
    assert ledger.baskets_read == BASKETS
    assert sum(ledger.line_fates().values()) == sum(len(visit.lines) for visit in visits)
    assert sum(ledger.order_fates().values()) == sum(bool(visit.sold) for visit in visits) == ledger.orders_sent


def test_what_is_no_sale_was_not_sent(ledger: Ledger) -> None:
    flaws = Counter(
        line.flaw for line in chain.from_iterable(visit.lines for visit in read_baskets(BASKETS)) if line.flaw
    )
    found = {fate.why: count for fate, count in ledger.line_fates().items() if fate.outcome == "not_sent"}
    assert found == flaws


def test_nothing_goes_to_the_dead_letters(ledger: Ledger) -> None:
    assert ledger.dead_letters == {}


def test_every_detour_was_taken(ledger: Ledger) -> None:
    assert ledger.order_fates() == {
        Fate("till", "completed"): 25,
        Fate("web", "completed"): 23,
        Fate("web", "cancelled", "customer-request"): 8,
        Fate("web", "cancelled", "short-pick"): 1,
        Fate("web", "rejected", "stock-unavailable"): 2,
        Fate("web", "waiting", "not-collected"): 1,
    }
    assert ledger.line_fates() == {
        Fate("till", "completed"): 259,
        Fate("web", "completed"): 133,
        Fate("web", "cancelled", "customer-request"): 74,
        Fate("web", "cancelled", "short-pick"): 4,
        Fate("web", "cancelled", "stock-unavailable"): 1,
        Fate("web", "rejected", "stock-unavailable"): 33,
        Fate("web", "waiting", "not-collected"): 7,
        Fate("none", "not_sent", "quantity-zero"): 3,
    }
    assert ledger.refusals == {("handover.refused", "wrong-code"): 5}


def test_without_habits_all_is_well() -> None:
    calm = Habits(**dict.fromkeys(Habits.__dataclass_fields__, 0))
    fates = played(calm).order_fates()
    assert fates == {Fate("till", "completed"): BASKETS}
