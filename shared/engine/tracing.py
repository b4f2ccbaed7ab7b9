"""Traces: one W3C trace follows an order through every service.

Each event has a "create" span whose parent is the event that caused it, and its context travels in `traceparent`. The
work on a batch ("process") and its publication ("send") are spans of their own that link to those they handle, as the
OpenTelemetry conventions for batches ask. The names below are the conventions' own, which are still in development.
Without an OTLP endpoint no span is made, and the context is handed on as it came.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Protocol

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from shared.engine.message import Message

LINKS_MAX = 128
_TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$")


class Tracing(Protocol):
    """What the engine asks of traces. The contexts of a batch are looked at only where spans are made."""

    def create(self, cause: Message, event_type: str) -> str:
        """Return the traceparent of an event of this type that a message causes."""

    @contextmanager
    def process(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Surround the work on a batch."""

    @contextmanager
    def send(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Surround the publication of records."""

    def close(self) -> None:
        """Export what is left."""


def traceparent_of(headers: Iterable[tuple[str, bytes | None]]) -> str:
    """Return what the headers of a record say of its trace, which may be anything, or nothing."""
    return next((value.decode(errors="replace") for name, value in headers if name == "traceparent" and value), "")


def inherited(cause: Message, *, sampled: bool = False) -> str:
    """Return the message's own trace context, or one derived from its id where it has none that is valid."""
    if _TRACEPARENT.match(cause.traceparent):
        return cause.traceparent
    seed = blake2b(f"{cause.source} {cause.id}".encode(), digest_size=24).hexdigest()
    return f"00-{seed[:32]}-{seed[32:]}-{sampled:02x}"


class Silent:
    """No spans: the context is only handed on."""

    def create(self, cause: Message, event_type: str) -> str:
        """Return the cause's own context."""
        return inherited(cause)

    @contextmanager
    def process(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Do nothing."""
        yield

    @contextmanager
    def send(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Do nothing."""
        yield

    def close(self) -> None:
        """Do nothing."""


class Recording:
    """Spans, exported in batches in the background."""

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": f"tekil-{service}"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tekil")

    def create(self, cause: Message, event_type: str) -> str:
        """Record that an event was created because of another, and return its context."""
        parent = set_span_in_context(NonRecordingSpan(_context(inherited(cause, sampled=True))))
        span = self._tracer.start_span(
            f"create {event_type}",
            context=parent,
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "create",
                "tekil.cause.type": cause.type,
                "tekil.key": cause.event.key,
            },
        )
        span.end()
        made = span.get_span_context()
        return f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}"

    @contextmanager
    def process(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Record the work on a batch."""
        with self._linked(f"process {service}", SpanKind.CONSUMER, "process", traceparents):
            yield

    @contextmanager
    def send(self, service: str, traceparents: Iterable[str]) -> Iterator[None]:
        """Record the publication of records."""
        with self._linked(f"send {service}", SpanKind.CLIENT, "send", traceparents):
            yield

    @contextmanager
    def _linked(self, name: str, kind: SpanKind, operation: str, traceparents: Iterable[str]) -> Iterator[None]:
        given = list(traceparents)
        links = [Link(_context(each)) for each in given[:LINKS_MAX] if _TRACEPARENT.match(each)]
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": operation,
            "messaging.batch.message_count": len(given),
        }
        with self._tracer.start_as_current_span(name, kind=kind, links=links, attributes=attributes):
            yield

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def tracing(service: str, otlp_endpoint: str | None) -> Silent | Recording:
    """Return traces exported to an OTLP/HTTP endpoint such as http://127.0.0.1:4318, or silent ones without one."""
    if otlp_endpoint is None:
        return Silent()
    return Recording(service, OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces"))


def _context(traceparent: str) -> SpanContext:
    found = _TRACEPARENT.match(traceparent)
    assert found is not None, "a traceparent is checked before it is parsed"
    trace_id, span_id, flags = found.groups()
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
