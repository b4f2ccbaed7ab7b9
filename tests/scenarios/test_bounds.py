"""Whatever the contracts let in, every quantity and amount that follows from it fits its event and its column."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, SmallInteger

from services.scenario import read_scenario
from shared.engine.message import Outgoing, outgoing
from shared.engine.simulation import ManualClock, Simulation
from shared.events.channel import OrderSubmitted, RequestedLine, SaleRecorded, SoldLine, Tender
from shared.events.event import Event
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.reference import ItemDescribed, SafetyStockSet
from shared.events.structured import to_binary
from tests.scenarios.playing import WORLD
from tests.scenarios.simulated import SERVICES, SETTINGS

BUGS = {"decision-failed", "reading-failed", "refused-by-database"}
STORE, SKU = "store-berlin", "COAT-38"
LINES_MAX, PIECES_MAX, COUNT_MAX, MINOR_MAX = 500, 1_000_000, 1_000_000_000, 10**12
BITS: dict[type, int] = {SmallInteger: 15, Integer: 31, BigInteger: 63}

pieces = st.sampled_from([1, PIECES_MAX])
prices = st.sampled_from([0, 1, MINOR_MAX])


@st.composite
def sold(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One line, or as many as there may be, of as much as there may be."""
    line: dict[str, Any] = {"sku": SKU, "quantity": draw(pieces)}
    number = draw(st.sampled_from([1, LINES_MAX]))
    # Twenty tenders of the largest amount pay for twenty lines of the largest price; the others are free.
    price = draw(prices)
    costing = [price if index < 20 else 0 for index in range(number)]
    return [line | {"line_id": str(index), "gross_minor": net, "net_minor": net} for index, net in enumerate(costing)]


def tenders(lines: list[dict[str, Any]]) -> tuple[Tender, ...]:
    return tuple(Tender(method="card", amount_minor=line["net_minor"]) for line in lines if line["net_minor"])


@st.composite
def facts(draw: st.DrawFn) -> Event:
    shelf: dict[str, Any] = {"location_id": STORE, "sku": SKU}
    signed = st.sampled_from([-COUNT_MAX, -COUNT_MAX // 2, COUNT_MAX // 2, COUNT_MAX])
    lines, order_id = draw(sold()), f"order-{draw(st.integers(0, 10**9))}"
    bought: dict[str, Any] = {"order_id": order_id, "brand": "atelier", "currency": "EUR", "tenders": tenders(lines)}
    wanted = tuple(RequestedLine(**line, pickup_location_id=STORE) for line in lines)
    return draw(
        st.sampled_from(
            [
                SaleRecorded(**bought, capture_location_id=STORE, lines=tuple(SoldLine(**line) for line in lines)),
                SaleRecorded(**bought, capture_location_id=STORE, lines=tuple(SoldLine(**line) for line in lines)),
                OrderSubmitted(**bought, channel="web", capture_location_id="web", lines=wanted),
                StockReceived(**shelf, quantity=draw(pieces)),
                StockCounted(**shelf, counted_quantity=draw(st.sampled_from([0, COUNT_MAX // 2, COUNT_MAX]))),
                StockAdjusted(**shelf, change_quantity=draw(signed), reason="found"),
                SafetyStockSet(**shelf, quantity=draw(st.sampled_from([0, COUNT_MAX]))),
                ItemDescribed(sku=SKU, name="coat", brand="atelier", standard_cost_minor=draw(prices), currency="EUR"),
            ]
        )
    )


def sale(number: int, *, lines: int) -> SaleRecorded:
    """A sale of as many pieces as there may be, for nothing."""
    line: dict[str, Any] = {"sku": SKU, "quantity": PIECES_MAX, "gross_minor": 0, "net_minor": 0}
    return SaleRecorded(
        order_id=f"sale-{number}",
        brand="atelier",
        currency="EUR",
        capture_location_id=STORE,
        lines=tuple(SoldLine(**line, line_id=str(index)) for index in range(lines)),
    )


WORST_DAY = [
    ItemDescribed(sku=SKU, name="coat", brand="atelier", standard_cost_minor=MINOR_MAX, currency="EUR"),
    *(sale(number, lines=LINES_MAX) for number in range(3)),
    StockCounted(location_id=STORE, sku=SKU, counted_quantity=COUNT_MAX // 2),
    *(sale(number, lines=LINES_MAX) for number in range(3, 9)),
    sale(9, lines=1),
]


# Without shrinking, which would take minutes: the history that failed is short.
@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(st.lists(facts(), min_size=4, max_size=8))
@example(WORST_DAY)
def test_everything_fits(told: list[Event]) -> None:
    simulation = beginning()
    for number, event in enumerate(told):
        simulation.publish(published(event, f"told-{number}", simulation.clock))
        simulation.settle()
    while (due := simulation.next_time()) is not None:
        simulation.clock.move_to(due)
        simulation.tick()
    assert BUGS & {reason for record in simulation.published for reason in reasons(record)} == set()
    assert list(too_wide(simulation)) == []


def beginning() -> Simulation:
    """Return the five services in the world of the scenarios."""
    world = read_scenario([WORLD])
    clock = ManualClock()
    simulation = Simulation(SERVICES, clock, parked_max_age=timedelta(seconds=SETTINGS.parked_max_age_s))
    for event in world:
        simulation.publish(Outgoing(*to_binary(event)))
    simulation.settle()
    return simulation


def published(event: Event, event_id: str, clock: ManualClock) -> Outgoing:
    return outgoing(event, event_id=event_id, source="/test", time=clock.now, cause_id="", traceparent="")


def reasons(record: Outgoing) -> Iterator[str]:
    yield from (value.decode() for name, value in record.headers if name == "tekil_dlq_reason" and value)


def too_wide(simulation: Simulation) -> Iterator[str]:
    """Yield the numbers that their columns do not hold."""
    for service in SERVICES:
        store = simulation.stores[service.name]
        for rows in service.rows:
            kept = store.journals[rows.kind] if rows.append_only else store.rows[rows.kind].values()
            for column in rows.table.columns:
                bits = BITS.get(type(column.type), 0)
                for value in kept if bits and column.name != "version" else ():
                    number = getattr(value, column.name)
                    if number is not None and not -(2**bits) <= number < 2**bits:
                        yield f"{rows.name}.{column.name}: {number}"
