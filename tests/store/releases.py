"""Releases of the tally service, before and after a repair: what one cannot take in, another one can."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from shared.engine.service import Handler, Service, on, one
from shared.events.operations import StockCounted, StockReceived
from shared.events.reference import ItemDescribed
from shared.kernel.decision import Answer, Decision, Given, Invalid, NotYet
from tests.store.tally import TALLY, Item, Tally, _moved


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


def bring(received: StockReceived, given: Given, *, item: Item | None, tallies: dict[str, Tally]) -> Answer:
    """Begin a tally, once the item is described."""
    if item is None:
        return NotYet(Item, received.sku)
    return Decision((Tally(received.sku, received.quantity),), (_moved(received.sku, 0, received.quantity, given),))


def look(counted: StockCounted, given: Given, *, tally: Tally | None) -> Answer:
    """Wait for a tally that an earlier message of the same stream begins."""
    if tally is None:
        return NotYet(Tally, counted.sku)
    return Decision(events=(_moved(counted.sku, 0, tally.pieces, given),))


_RECEIVING = TALLY.by_trigger[StockReceived.TYPE]
BUGGY = _release(replace(_RECEIVING, decide=fail))
CLOSED = _release(replace(_RECEIVING, decide=refuse))
STRICT = _release(on(ReceivedByThePallet, _RECEIVING.decide, *_RECEIVING.needs))
DEAF = _release(None)
_DESCRIBING = TALLY.by_trigger[ItemDescribed.TYPE]
_LOOKING = on(StockCounted, look, one("tally", Tally, lambda counted: counted.sku))
BRINGING, BRINGING_CLOSED = (
    Service(TALLY.name, TALLY.metadata, TALLY.rows, (_DESCRIBING, replace(_RECEIVING, decide=decide), _LOOKING))
    for decide in (bring, refuse)
)
LOOKING_BUGGY = Service(
    TALLY.name, TALLY.metadata, TALLY.rows, (_DESCRIBING, _RECEIVING, replace(_LOOKING, decide=fail))
)
