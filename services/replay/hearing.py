"""What the world makes of the records it hears: it takes them into account, and its people answer."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.replay.ledger import Ledger
from services.replay.said import Said
from services.replay.staff import People
from shared.events.fulfilment import FulfilmentCreated, ReadyForPickup

DEAD_LETTER_REASON = "tekil_dlq_reason"


class Heard(Protocol):
    """A record of the bus."""

    @property
    def key(self) -> bytes | None:
        """The order's id."""

    @property
    def value(self) -> bytes | None:
        """The event, as JSON."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Its CloudEvents attributes, or why it is a dead letter."""


def hear(records: Iterable[Heard], people: People, ledger: Ledger) -> list[Said]:
    """Take records into account, and return what people answer, in the same order."""
    answers: list[Said] = []
    for record in records:
        headers = {name: text.decode() for name, text in record.headers if text is not None}
        if DEAD_LETTER_REASON in headers:
            ledger.heard_dead_letter(headers[DEAD_LETTER_REASON])
        elif record.key is not None and record.value is not None:
            kind, order_id = headers["ce_type"], record.key.decode()
            answers += _answers(kind, order_id, record.value, people, ledger)
            ledger.heard(kind, order_id, record.value)
    return answers


def _answers(kind: str, order_id: str, value: bytes, people: People, ledger: Ledger) -> Sequence[Said]:
    bought_at = ledger.bought_at(order_id)
    if bought_at is None:
        return ()
    if kind == FulfilmentCreated.TYPE:
        return (people.on_created(FulfilmentCreated.model_validate_json(value), bought_at),)
    if kind == ReadyForPickup.TYPE:
        return people.on_ready(ReadyForPickup.model_validate_json(value), bought_at)
    return ()
