"""Whatever the world tells, in whatever order: pieces are conserved, and none is promised twice."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.inventory.domain.state import StockKey
from shared.events.event import Event, LineQuantity, Reason
from shared.events.fulfilment import FulfilmentCollected, FulfilmentShort, ReadyForPickup, SettledLine
from shared.events.inventory import AvailabilityChanged, StockLine, StockReserved
from shared.events.operations import StockAdjusted, StockCounted, StockReceived
from shared.events.order import OrderLineCancelled, OrderPlaced
from shared.events.reference import SafetyStockSet
from tests.unit.inventory.desk import Desk
from tests.unit.inventory.world import NOON, placed, wanted

SHELVES: tuple[StockKey, ...] = (("izmir", "MUG"), ("izmir", "PEN"), ("ankara", "MUG"))
LINES = {"1": SHELVES[0], "2": SHELVES[1], "3": SHELVES[2], "4": SHELVES[0]}
"""Line 1 and line 4 of every order want the same."""
ORDERS = ("o-1", "o-2", "o-3", "o-4")

orders = st.sampled_from(ORDERS)
few = st.integers(1, 4)
some_lines = st.lists(
    st.builds(LineQuantity, line_id=st.sampled_from(list(LINES)), quantity=few), min_size=1, max_size=3
)


@st.composite
def placings(draw: st.DrawFn) -> OrderPlaced:
    line_ids = draw(st.lists(st.sampled_from(list(LINES)), min_size=1, unique=True))
    methods = st.sampled_from(["pickup", "pickup", "pickup", "carry_out"])
    lines = [wanted(i, LINES[i][1], draw(few), method=draw(methods), at=LINES[i][0]) for i in line_ids]  # type: ignore[arg-type]
    when_short = draw(st.sampled_from(["reject_order", "reject_line"]))
    return placed(*lines, when_short=when_short, order_id=draw(orders))  # type: ignore[arg-type]


@st.composite
def tellings(draw: st.DrawFn) -> Event:
    """Fulfilment tells of lines at one location, of more pieces than were reserved too."""
    location_id = draw(st.sampled_from(["izmir", "ankara"]))
    tasks = tuple(
        SettledLine(line_id=each.line_id, sku=LINES[each.line_id][1], quantity=each.quantity)
        for each in draw(some_lines)
    )
    order_id = draw(orders)
    return draw(
        st.sampled_from(
            [
                ReadyForPickup(
                    order_id=order_id, location_id=location_id, lines=tasks, pickup_code="ABC123", pickup_by=NOON
                ),
                FulfilmentShort(order_id=order_id, location_id=location_id, lines=tasks),
                FulfilmentCollected(
                    order_id=order_id,
                    location_id=location_id,
                    lines=tasks,
                    collected_by="customer",
                    collected_at=NOON,
                ),
            ]
        )
    )


@st.composite
def cancellations(draw: st.DrawFn) -> OrderLineCancelled:
    why = draw(
        st.sampled_from(["customer-request", "hold-expired", "not-collected", "short-pick", "stock-unavailable"])
    )
    return OrderLineCancelled(
        order_id=draw(orders),
        line_id=draw(st.sampled_from(list(LINES))),
        quantity=draw(few),
        reason=Reason(slug=why, sentence="They said so."),
    )


@st.composite
def stock_facts(draw: st.DrawFn) -> Event:
    location_id, sku = draw(st.sampled_from(SHELVES))
    count = draw(st.integers(0, 9))
    return draw(
        st.sampled_from(
            [
                StockReceived(location_id=location_id, sku=sku, quantity=count + 1),
                StockCounted(location_id=location_id, sku=sku, counted_quantity=count),
                StockAdjusted(location_id=location_id, sku=sku, change_quantity=count - 6, reason="found"),
                SafetyStockSet(location_id=location_id, sku=sku, quantity=count // 3),
            ]
        )
    )


happenings = st.one_of(placings(), placings(), tellings(), cancellations(), stock_facts())
histories = st.lists(st.lists(happenings, min_size=1, max_size=3), min_size=5, max_size=15)
DELIVERIES = [StockReceived(location_id=location_id, sku=sku, quantity=8) for location_id, sku in SHELVES]


@settings(max_examples=100)
@given(histories)
def test_pieces_are_conserved_and_none_is_promised_twice(batches: Sequence[Sequence[Event]]) -> None:
    desk, published = Desk(), Counter[StockKey]()
    for batch in [DELIVERIES, *batches]:
        for event in desk.tell(*batch):
            match event:
                case StockReserved(lines=lines):
                    assert pieces_of(lines) <= published
                case AvailabilityChanged(location_id=location_id, sku=sku, available_to_promise=pieces):
                    published[location_id, sku] = pieces
        assert published == unpromised(desk)
        on_hand_is_the_sum_of_its_movements(desk)
        reserved_is_the_sum_of_what_is_held(desk)
        what_waits_to_be_picked_has_a_deadline(desk)
        assert desk.dead == []


def pieces_of(lines: Sequence[StockLine]) -> Counter[StockKey]:
    pieces = Counter[StockKey]()
    for line in lines:
        pieces[line.location_id, line.sku] += line.quantity
    return pieces


def unpromised(desk: Desk) -> Counter[StockKey]:
    stock = desk.stock.items()
    return +Counter({key: each.on_hand - each.reserved - each.blocked - each.safety for key, each in stock})


def on_hand_is_the_sum_of_its_movements(desk: Desk) -> None:
    moved = Counter[StockKey]()
    for movement in desk.movements:
        moved[movement.location_id, movement.sku] += movement.change_quantity
    assert moved == Counter({key: stock.on_hand for key, stock in desk.stock.items()})


def reserved_is_the_sum_of_what_is_held(desk: Desk) -> None:
    held = Counter[StockKey]()
    for reservation in desk.reservations.values():
        for line in reservation.lines:
            held[line.stock_key] += line.held
    assert held == Counter({key: stock.reserved for key, stock in desk.stock.items()})


def what_waits_to_be_picked_has_a_deadline(desk: Desk) -> None:
    waiting = {("hold", order_id) for order_id, reservation in desk.reservations.items() if reservation.unpicked}
    assert set(desk.store.deadlines) == waiting
