"""Rows that only become known while deciding are loaded together: any batch is decided a few times at most."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.attribution.domain.state import Entry
from services.attribution.service import attribution
from shared.engine.deciding import Rules, Trace
from shared.engine.engine import Engine
from shared.engine.memory import MemoryStore, MemoryTransaction
from shared.engine.message import Raw, outgoing
from shared.engine.simulation import ManualClock
from shared.engine.tracing import Recording, Silent
from shared.events.channel import Method
from shared.events.event import Event
from shared.events.fulfilment import FulfilmentCollected, SettledLine
from shared.events.order import OrderPlaced, PlacedLine
from shared.events.reference import ItemDescribed, LocationDescribed

ORDERS = 100
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
offsets = count(1)


class Counted(MemoryStore):
    """A store that counts its transactions."""

    transactions = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        self.transactions += 1
        async with super().begin() as transaction:
            yield transaction


def raw(event: Event) -> Raw:
    offset = next(offsets)
    record = outgoing(event, event_id=f"e-{offset}", source="/test", time=NOON, cause_id="", traceparent="")
    return Raw(record.topic, 0, offset, 0, record.key, record.value, record.headers)


def placed(order_id: str, sku: str, method: Method = "pickup") -> Raw:
    line = PlacedLine(
        line_id="1", sku=sku, quantity=1, gross_minor=900, net_minor=900, method=method, location_id="berlin-mitte"
    )
    return raw(
        OrderPlaced(
            order_id=order_id,
            channel="web",
            brand="fjord",
            capture_location_id="web",
            currency="EUR",
            lines=(line,),
            placed_at=NOON,
        )
    )


def collected(order_id: str, sku: str) -> Raw:
    return raw(
        FulfilmentCollected(
            order_id=order_id,
            location_id="berlin-mitte",
            lines=(SettledLine(line_id="1", sku=sku, quantity=1),),
            collected_by="customer",
            collected_at=NOON,
        )
    )


def an_engine(store: MemoryStore, trace: Trace) -> Engine:
    return Engine(store.service, store, clock=ManualClock(NOON), rules=Rules(timedelta(days=1)), trace=trace)


async def describe(engine: Engine, skus: list[str]) -> None:
    locations = [
        LocationDescribed(location_id="web", kind="online", name="Web", brand="fjord", cost_centre="cc-web"),
        LocationDescribed(location_id="berlin-mitte", kind="store", name="Berlin", brand="fjord", cost_centre="cc-b"),
    ]
    items = [ItemDescribed(sku=sku, name=sku, brand="fjord", standard_cost_minor=400, currency="EUR") for sku in skus]
    await engine.process([raw(event) for event in (*locations, *items)])


async def test_orders_that_were_placed_and_collected_meanwhile_are_decided_in_two_passes_whatever_their_number() -> (
    None
):
    store, skus = Counted(attribution()), [f"sku-{number}" for number in range(ORDERS)]
    engine = an_engine(store, Silent().create)
    await describe(engine, skus)
    store.transactions = 0
    await engine.process([placed(f"o-{sku}", sku) for sku in skus] + [collected(f"o-{sku}", sku) for sku in skus])
    assert (len(store.journals[Entry]), store.transactions) == (ORDERS, 2)


async def test_a_pass_that_is_made_again_leaves_no_trace() -> None:
    exporter, store = InMemorySpanExporter(), Counted(attribution())
    recording = Recording("attribution", exporter)
    engine = an_engine(store, recording.create)
    await describe(engine, ["coat", "scarf"])
    store.transactions = 0
    at_once = placed("o-0", "coat", method="carry_out")
    await engine.process([at_once, placed("o-1", "scarf"), collected("o-1", "scarf")])
    recording.close()
    created = [f"{span.context.span_id:016x}" for span in exporter.get_finished_spans()]
    told = [(dict(record.headers)["traceparent"] or b"").decode().split("-")[2] for record in store.outbox]
    assert (store.transactions, len(told)) == (2, 2)
    assert created == told
