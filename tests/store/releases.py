"""Releases of the tally service, before and after a repair: what one cannot take in, another one can."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from shared.engine.service import Handler, Service, on
from shared.events.operations import StockReceived
from shared.kernel.decision import Answer, Given, Invalid
from tests.store.tally import TALLY, Item, Tally


class ReceivedByThePallet(
    StockReceived, type=StockReceived.TYPE, topic=StockReceived.TOPIC, key=("location_id", "sku")
):
    """A contract that refuses small deliveries."""

    quantity: Annotated[int, Field(ge=100)]


def fail(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Decide with a bug."""
    raise ZeroDivisionError


def refuse(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Take nothing in."""
    return Invalid("dock-is-closed", "nobody is there")


def _release(receiving: Handler | None) -> Service:
    handlers = [handler for handler in TALLY.handlers if handler.trigger != StockReceived.TYPE]
    return Service(TALLY.name, TALLY.metadata, TALLY.rows, (*handlers, *([receiving] if receiving else [])))


_RECEIVING = TALLY.by_trigger[StockReceived.TYPE]
BUGGY = _release(replace(_RECEIVING, decide=fail))
CLOSED = _release(replace(_RECEIVING, decide=refuse))
STRICT = _release(on(ReceivedByThePallet, _RECEIVING.decide, *_RECEIVING.needs))
DEAF = _release(None)
