"""Intake over HTTP, for those who cannot speak Kafka: an event is checked as it will be read, and put on its topic.

One token opens all that the world may say. Whoever holds it is trusted like a Kafka client with the right to write on
those topics; who should say less gets a Kafka user of their own, which ACLs bind to one topic.
"""

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from shared.engine.message import (
    ATTRIBUTE_CHARS_MAX,
    CONTENT_TYPE,
    OUTSIDE_BYTES_MAX,
    OUTSIDE_TOPICS,
    OWN_SOURCES,
    PLACE_SOURCES,
    STRUCTURED,
    Outgoing,
)
from shared.events.catalogue import CATALOGUE
from shared.events.event import Event, Moment
from shared.events.structured import to_binary
from shared.runtime.http import Fault, Problem, View

FAULTS_MAX = 100
PUBLISH_TIMEOUT_S = 10.0
JSON = "application/json"
BINARY_PREFIX = "ce-"
TRACEPARENT = "traceparent"


def _open_type(kind: str) -> str:
    if kind not in CATALOGUE:
        raise ValueError("no type of Tekil's; see docs/contracts")
    if CATALOGUE[kind].TOPIC not in OUTSIDE_TOPICS:
        raise ValueError("a type that only Tekil publishes")
    return kind


def _foreign(source: str) -> str:
    if source.startswith(OWN_SOURCES):
        raise ValueError(f"begins with {OWN_SOURCES}, as only Tekil's own events do")
    if source.startswith(PLACE_SOURCES):
        raise ValueError(f"begins with {PLACE_SOURCES}, by which Tekil names places in Kafka")
    return source


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    return text


Attribute = Annotated[str, Field(min_length=1, max_length=ATTRIBUTE_CHARS_MAX), AfterValidator(_printable)]
Extension = Annotated[str, Field(pattern=r"^[a-z0-9]+$", max_length=20)]


class Attributes(BaseModel):
    """The attributes of a CloudEvent that we look at; extensions are passed on."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[Extension, Attribute]

    specversion: Literal["1.0"]
    id: Attribute
    source: Annotated[Attribute, AfterValidator(_foreign)]
    type: Annotated[Attribute, AfterValidator(_open_type)]
    time: Moment | None = None
    datacontenttype: Literal["application/json"] = "application/json"


class Receipt(View):
    """An event that Kafka has. Published again with the same source and id, it counts once."""

    id: str
    source: str
    type: str
    topic: str
    """Where it was put."""


def accept(headers: Mapping[str, str], body: bytes) -> Outgoing:
    """Return the record that a request asks to publish. Raises Problem, with every fault that was found."""
    attributes, data = _opened(headers, body)
    faults: list[Fault] = []
    event: Event | None = None
    try:
        Attributes.model_validate(attributes)
    except ValidationError as error:
        faults += _faults("", error)
    if (model := CATALOGUE.get(str(attributes.get("type")))) is not None:
        try:
            event = model.model_validate_json(data)
        except ValidationError as error:
            faults += _faults("data", error)
        else:
            faults += _subject_faults(attributes, event)
    if faults or event is None:
        detail = "This is not an event that Tekil can read."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-event", detail, faults=faults[:FAULTS_MAX])
    topic, _, value, record_headers = to_binary({**attributes, "data": data})
    return Outgoing(topic, event.key.encode(), value, record_headers)


def _subject_faults(attributes: Mapping[str, Any], event: Event) -> Iterable[Fault]:
    """Refuse a subject that contradicts the event: who goes by it would believe that it is about another thing."""
    if attributes.get("subject", event.key) != event.key:
        yield Fault(field="subject", fault="is not the event's Kafka key, which docs/contracts names for its type")


def _opened(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, Any], str]:
    """Return attributes and data, in whichever mode the event was sent. The trace context goes on from the request."""
    content_type = headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
    try:
        if content_type == STRUCTURED:
            attributes: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
            data = msgspec.json.encode(attributes.pop("data", None)).decode()
        elif content_type == JSON:
            named = {name.lower(): unquote(text) for name, text in headers.items()}
            attributes = {name[3:]: text for name, text in named.items() if name.startswith(BINARY_PREFIX)}
            data = body.decode()
        else:
            detail = f"Send one event: {STRUCTURED}, or {JSON} with its attributes as {BINARY_PREFIX} headers."
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-a-cloudevent", detail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "not-json", "The body is not a JSON object.") from None
    trace = headers.get(TRACEPARENT)
    return attributes | ({TRACEPARENT: trace} if trace else {}), data


def _faults(root: str, error: ValidationError) -> Iterable[Fault]:
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join([*([root] if root else []), *map(str, each["loc"])])
        yield Fault(field=place, fault=each["msg"].removeprefix("Value error, "))


class Intake:
    """Takes events in while it is started; closed without a token."""

    def __init__(self, *, bootstrap: str, prefix: str, token: SecretStr | None) -> None:
        self._bootstrap, self._prefix, self._token = bootstrap, prefix, token
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect to Kafka."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, client_id="tekil-intake"
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Send what is on its way and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    def admit(self, token: str | None) -> None:
        """Let nobody in but those who hold the token. Raises Problem."""
        if self._token is None:
            detail = "Intake over HTTP is closed: set TEKIL_INTAKE_TOKEN to open it."
            raise Problem(HTTPStatus.FORBIDDEN, "intake-closed", detail)
        if not hmac.compare_digest((token or "").encode(), self._token.get_secret_value().encode()):
            detail = "Send the header Authorization: Bearer and the token of TEKIL_INTAKE_TOKEN."
            raise Problem(HTTPStatus.UNAUTHORIZED, "not-admitted", detail, WWW_Authenticate="Bearer")

    async def publish(self, record: Outgoing) -> None:
        """Return once Kafka has the record on all its replicas. Raises Problem."""
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                if self._producer is None:
                    raise KafkaConnectionError("not there since we started")
                await self._producer.send_and_wait(
                    self._prefix + record.topic, record.value, key=record.key, headers=list(record.headers)
                )
        except MessageSizeTooLargeError:
            raise _too_large() from None
        except (KafkaError, TimeoutError) as error:
            detail = "Kafka did not confirm the event in time. Send it again with the same id: it will count once."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "kafka-out-of-reach", detail) from error


_bearer = HTTPBearer(auto_error=False, description="The token of TEKIL_INTAKE_TOKEN.")
_DATA = {"type": "object", "description": "The data of an event that docs/contracts lets the world publish."}
_EVENT = {
    "type": "object",
    "description": "A CloudEvent in structured mode, as docs/contracts has samples of.",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"enum": sorted(kind for kind, event in CATALOGUE.items() if event.TOPIC in OUTSIDE_TOPICS)},
        "data": _DATA,
    },
}


def intake_router(intake: Intake) -> APIRouter:
    """Return the route by which events come in."""
    router = APIRouter(prefix="/v1", tags=["intake"])

    @router.post(
        "/events",
        summary="Publish one event",
        status_code=HTTPStatus.ACCEPTED,
        openapi_extra={
            "requestBody": {"required": True, "content": {STRUCTURED: {"schema": _EVENT}, JSON: {"schema": _DATA}}}
        },
    )
    async def publish(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Receipt:
        """Take in one CloudEvent, in structured or binary mode. What comes of it, the services publish on Kafka."""
        intake.admit(credentials.credentials if credentials else None)
        record = accept(request.headers, await _body(request))
        await intake.publish(record)
        told = {name: (value or b"").decode() for name, value in record.headers}
        return Receipt(id=told["ce_id"], source=told["ce_source"], type=told["ce_type"], topic=record.topic)

    return router


async def _body(request: Request) -> bytes:
    """Read no more than an event may have, whatever the request says of its length."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > OUTSIDE_BYTES_MAX:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    detail = f"An event has at most {OUTSIDE_BYTES_MAX:,} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "event-too-large", detail)
