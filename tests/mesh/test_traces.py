"""One trace follows an order from the shop to the books, and those who export nothing hand it on all the same."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.registry import all_services
from shared.engine.message import Outgoing
from shared.engine.tracing import tracing
from shared.kernel.value import replace
from tests.mesh.place import NOON, SETTINGS, Place, eventually, running
from tests.mesh.world import BERLIN, handed_over, picked, reference, submitted

TRACE, SHOP = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAID_BY_THE_SHOP = f"00-{TRACE}-{SHOP}-01"
DERIVED = "00-851bb9472bd1aa3e09a9bfcfd1f0b7e8-a28c3f226db6a505-00"
"""Made from the source and the id of an order that says none; its last digits say that nobody records it."""
EVENTS = {
    "order.placed",
    "order.confirmed",
    "order.completed",
    "stock.reserved",
    "stock.issued",
    "fulfilment.created",
    "fulfilment.ready_for_pickup",
    "fulfilment.collected",
    "attribution.posted",
}
TOPICS = {
    "order": "tekil.order.v1",
    "inventory": "tekil.inventory.v1",
    "fulfilment": "tekil.fulfilment.v1",
    "attribution": "tekil.attribution.v1",
}


@dataclass(frozen=True)
class Span:
    """A span as a collector gets it; ids in hexadecimal, links as (trace, span)."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: frozenset[tuple[str, str]]


class Collector:
    """Takes in what is exported over OTLP/HTTP."""

    def __init__(self, port: int) -> None:
        self.endpoint, self.spans = f"http://127.0.0.1:{port}", list[Span]()

    def take(self, path: str, body: bytes) -> None:
        """Take a request in."""
        assert path == "/v1/traces"
        for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in of_service.resource.attributes}
            self.spans += [
                Span(
                    names["service.name"].removeprefix("tekil-"),
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                )
                for of_scope in of_service.scope_spans
                for span in of_scope.spans
            ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Intake(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collecting.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Intake) as server:
        collecting = Collector(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield collecting
        server.shutdown()


async def traceparents(place: Place, service: str) -> dict[str, set[str]]:
    """What a service said about the order, and the traceparents that came with it, by type."""
    found: dict[str, set[str]] = {}
    for record in await place.published(TOPICS[service]):
        headers = {name: (value or b"").decode() for name, value in record.headers}
        if record.key == b"O-1":
            found.setdefault(headers["ce_type"], set()).add(headers["traceparent"])
    return found


async def handed_on(place: Place) -> dict[str, set[str]]:
    """What the services said about the order, by the traceparent that came with it."""
    found: dict[str, set[str]] = {}
    for service in TOPICS:
        for kind, contexts in (await traceparents(place, service)).items():
            for context in contexts:
                found.setdefault(context, set()).add(kind)
    return found


async def context_of(place: Place, service: str, kind: str) -> str:
    """Wait until a service has said something about the order, and return its traceparent."""

    async def is_said() -> bool:
        return kind in await traceparents(place, service)

    await eventually(is_said)
    [traceparent] = (await traceparents(place, service))[kind]
    return traceparent


def carrying(record: Outgoing, traceparent: str) -> Outgoing:
    """The record as somebody publishes it who hands on the trace context of what it answers."""
    return replace(record, headers=tuple({**dict(record.headers), "traceparent": traceparent.encode()}.items()))


async def collect(place: Place, traceparent: str, *, endpoint: str | None) -> None:
    """Let an order be submitted, picked and handed over, the store's devices handing its trace on."""
    traces = {service.name: tracing(service.name, endpoint) for service in all_services(SETTINGS)}
    members = [place.member(service, tracing=traces[service.name]) for service in all_services(SETTINGS)]
    async with running(*members):
        await place.publish(*reference())
        await eventually(lambda: place.value("inventory", "SELECT count(*) FROM stock WHERE on_hand > 0"), 6)
        await place.publish(submitted("O-1", ("coat", 1, BERLIN), traceparent=traceparent))
        created = await context_of(place, "fulfilment", "fulfilment.created")
        await place.publish(carrying(picked("O-1", BERLIN, ("1", 1, 0)), created))
        ready = await context_of(place, "fulfilment", "fulfilment.ready_for_pickup")
        await place.publish(carrying(handed_over("O-1", BERLIN), ready))
        await context_of(place, "attribution", "attribution.posted")
        await context_of(place, "order", "order.completed")


def ancestry(spans: list[Span], name: str) -> list[Span]:
    """Return a span, the one that it follows from, and so on."""
    by_id = {span.id: span for span in spans}
    [span] = [span for span in spans if span.name == name]
    found = [span]
    while (parent := by_id.get(found[-1].parent)) is not None:
        found.append(parent)
    return found


async def test_one_trace_follows_an_order_through_every_service(place: Place, collector: Collector) -> None:
    await collect(place, SAID_BY_THE_SHOP, endpoint=collector.endpoint)
    line = ancestry(collector.spans, "create attribution.posted")
    assert [(span.service, span.name) for span in line] == [
        ("attribution", "create attribution.posted"),
        ("fulfilment", "create fulfilment.collected"),
        ("fulfilment", "create fulfilment.ready_for_pickup"),
        ("fulfilment", "create fulfilment.created"),
        ("order", "create order.confirmed"),
        ("inventory", "create stock.reserved"),
        ("order", "create order.placed"),
    ]
    assert line[-1].parent == SHOP
    assert {span.trace for span in line} == {TRACE}

    linked = {(span.name, link) for span in collector.spans for link in span.links}
    assert ("process order", (TRACE, SHOP)) in linked
    for effect, cause in pairwise(line):
        assert (f"send {cause.service}", (TRACE, cause.id)) in linked
        assert (f"process {effect.service}", (TRACE, cause.id)) in linked


async def test_a_deadline_goes_on_with_the_trace_of_what_set_it(place: Place, collector: Collector) -> None:
    traces = [tracing(service.name, collector.endpoint) for service in all_services(SETTINGS)]
    members = [
        place.member(service, tracing=each) for service, each in zip(all_services(SETTINGS), traces, strict=True)
    ]
    async with running(*members):
        await place.publish(*reference())
        await eventually(lambda: place.value("inventory", "SELECT count(*) FROM stock WHERE on_hand > 0"), 6)
        await place.publish(submitted("O-1", ("coat", 1, BERLIN), traceparent=SAID_BY_THE_SHOP))
        created = await context_of(place, "fulfilment", "fulfilment.created")
        await place.publish(carrying(picked("O-1", BERLIN, ("1", 1, 0)), created))
        await context_of(place, "fulfilment", "fulfilment.ready_for_pickup")
        await place.fetch("fulfilment", "UPDATE deadlines SET due_at = $1 WHERE name = 'pickup'", NOON)
        await context_of(place, "order", "refund.requested")
    line = ancestry(collector.spans, "create refund.requested")
    assert [span.name for span in line] == [
        "create refund.requested",
        "create fulfilment.expired",
        "create fulfilment.created",
        "create order.confirmed",
        "create stock.reserved",
        "create order.placed",
    ]
    assert (line[-1].parent, {span.trace for span in line}) == (SHOP, {TRACE})


async def test_without_an_endpoint_the_shops_context_is_handed_on_as_it_came(place: Place) -> None:
    await collect(place, SAID_BY_THE_SHOP, endpoint=None)
    assert await handed_on(place) == {SAID_BY_THE_SHOP: EVENTS}


async def test_without_an_endpoint_an_order_that_comes_without_a_trace_gets_one(place: Place) -> None:
    await collect(place, "", endpoint=None)
    assert await handed_on(place) == {DERIVED: EVENTS}


async def test_an_order_that_comes_without_a_trace_is_traced_from_its_placing_on(
    place: Place, collector: Collector
) -> None:
    await collect(place, "", endpoint=collector.endpoint)
    chain = ancestry(collector.spans, "create attribution.posted")
    assert [span.name for span in chain][-1] == "create order.placed"
    assert len({span.trace for span in chain}) == 1
