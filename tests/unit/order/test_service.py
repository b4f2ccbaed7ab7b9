"""The order service run by the engine: early messages wait, and a batch sees its own earlier decisions."""

import json
from datetime import timedelta
from itertools import count

import pytest

from services.order.domain.state import Buckets, Location, Order
from services.order.service import order
from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore
from shared.engine.message import Outgoing, Raw
from shared.events.event import Event
from shared.events.fulfilment import CancellationDeclined
from shared.events.inventory import StockLine, StockReserved
from shared.events.reference import LocationDescribed, LocationKind
from tests.unit.order.orders import BOUGHT_AT, pieces, sale, some, submission, wanted
from tests.unit.order.test_cancel import expired as hold_expired
from tests.unit.order.test_cancel import request
from tests.unit.order.test_fall_short import unavailable
from tests.unit.order.test_fulfil import collected, expired, given_up, ready, short

PATIENCE = timedelta(hours=1)


class Running:
    """The service on a store in memory, with a clock that stands until it is moved."""

    def __init__(self) -> None:
        service = order()
        self.now = BOUGHT_AT
        self.store = MemoryStore(service)
        self._numbers = count(1)
        self._engine = Engine(
            service, self.store, clock=lambda: self.now, rules=Rules(parked_max_age=PATIENCE), trace=lambda *_: ""
        )

    async def hear(self, *events: Event) -> list[str]:
        """Take events in as one batch and return the types that the service says."""
        before = len(self.store.outbox)
        await self._engine.process([self._record(event) for event in events])
        return [type_of(record) for record in self.store.outbox[before:]]

    async def wait(self, duration: timedelta) -> list[str]:
        """Let time pass and return the types that the service says."""
        before = len(self.store.outbox)
        self.now += duration
        await self._engine.tick()
        return [type_of(record) for record in self.store.outbox[before:]]

    def order(self) -> Order:
        """The order as it is kept."""
        kept = self.store.rows[Order]["order-1"]
        assert isinstance(kept, Order)
        return kept

    def _record(self, event: Event) -> Raw:
        number = next(self._numbers)
        headers = {
            "specversion": "1.0",
            "id": f"message-{number}",
            "source": "/world",
            "type": event.TYPE,
            "time": BOUGHT_AT.isoformat(),
        }
        return Raw(
            topic=event.TOPIC,
            partition=0,
            offset=number,
            timestamp_ms=0,
            key=event.key.encode(),
            value=event.model_dump_json().encode(),
            headers=tuple((f"ce_{name}", text.encode()) for name, text in headers.items()),
        )


def type_of(record: Outgoing) -> str:
    """The event type of a record, or the dead-letter topic that it goes to with its reason."""
    headers = dict(record.headers)
    if reason := headers.get("tekil_dlq_reason"):
        return f"{record.topic}: {reason.decode()}"
    return (headers["ce_type"] or b"").decode()


def place(location_id: str, kind: LocationKind) -> LocationDescribed:
    return LocationDescribed(location_id=location_id, kind=kind, name=location_id, brand="tekil", cost_centre="cc")


WEB, MODA = place("web", "online"), place("moda", "store")


def reserved(quantity: int) -> StockReserved:
    line = StockLine(line_id="shirts", sku="sku-shirts", location_id="moda", quantity=quantity)
    return StockReserved(order_id="order-1", lines=(line,), hold_until=BOUGHT_AT + timedelta(hours=2))


async def test_an_order_that_comes_before_its_locations_is_placed_when_the_last_of_them_is_described() -> None:
    running = Running()
    assert await running.hear(submission()) == []
    assert await running.hear(WEB) == []
    assert await running.hear(MODA) == ["order.placed"]
    assert running.order().placed_at == BOUGHT_AT
    assert not running.store.parked


async def test_a_cancellation_waits_behind_the_order_that_waits() -> None:
    running = Running()
    assert await running.hear(submission()) == []
    assert await running.hear(request()) == []
    assert await running.hear(MODA, WEB) == [
        "order.placed",
        "order.line_cancelled",
        "refund.requested",
        "order.cancelled",
    ]


async def test_an_order_whose_locations_never_come_is_rejected_and_refunded() -> None:
    running = Running()
    await running.hear(WEB, submission())
    assert await running.wait(PATIENCE - timedelta(seconds=1)) == []
    assert await running.wait(timedelta(seconds=1)) == ["order.rejected", "refund.requested"]
    assert running.order().status == "rejected"
    rejected = json.loads(running.store.outbox[0].value or b"")
    assert [(each["slug"], each["line_id"]) for each in rejected["reasons"]] == [("location-unknown", "shirts")]


async def test_a_batch_sees_what_it_decided_before() -> None:
    running = Running()
    said = await running.hear(
        WEB, MODA, submission(wanted("shirts", quantity=3)), reserved(3), short(shirts=1), ready(shirts=2)
    )
    assert said == ["order.placed", "order.confirmed", "order.line_cancelled", "refund.requested"]
    assert await running.hear(collected(shirts=1), request(), collected(shirts=1)) == [
        "cancellation.asked",
        "order.completed",
    ]
    assert pieces(running.order()) == {"shirts": Buckets(collected=2, cancelled=1)}


async def test_one_order_id_is_taken_once_in_a_batch() -> None:
    running = Running()
    said = await running.hear(WEB, MODA, submission(), submission(), submission(customer_id="somebody-else"))
    assert said == ["order.placed", "submission.refused"]
    assert running.order().customer_id is None


async def test_what_comes_before_its_order_waits_and_is_given_up_in_the_end() -> None:
    running = Running()
    await running.hear(WEB, MODA)
    assert await running.hear(reserved(2)) == []
    assert await running.hear(submission()) == ["order.placed", "order.confirmed"]

    alone = Running()
    assert await alone.hear(reserved(2)) == []
    assert await alone.wait(PATIENCE) == ["tekil.inventory.v1.order.dlq: waited-too-long"]
    assert not alone.store.rows[Order]


WORDS: tuple[Event, ...] = (
    reserved(1),
    unavailable("shirts"),
    hold_expired(shirts=1),
    ready(shirts=1),
    collected(shirts=1),
    short(shirts=1),
    expired(shirts=1),
    given_up(shirts=1),
    CancellationDeclined(order_id="order-1", request_id="request-7", lines=(some("shirts", 1),)),
)


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.TYPE)
async def test_whatever_other_services_say_about_an_unknown_order_is_kept(word: Event) -> None:
    running = Running()
    assert await running.hear(word) == []
    assert [parked.message.event for parked in running.store.parked.values()] == [word]


async def test_a_sale_waits_for_nothing_and_a_bad_one_is_set_aside() -> None:
    running = Running()
    shirt = wanted("shirt")
    assert await running.hear(sale(shirt, tenders=())) == ["tekil.channel.v1.order.dlq: sums-do-not-add-up"]
    assert await running.hear(sale(shirt)) == ["order.placed", "order.completed"]


async def test_the_newest_description_of_a_location_holds() -> None:
    running = Running()
    await running.hear(WEB, place("moda", "online"), MODA)
    assert running.store.rows[Location]["moda"] == Location("moda", "store")
    assert await running.hear(submission()) == ["order.placed"]
