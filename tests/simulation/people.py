"""What customers, tills, handhelds and master data tell in a history.

Nobody looks before telling: staff report picks of orders that no store has heard of yet, and customers cancel what they
hold in their hands. So what is told does not depend on what becomes of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from shared.engine.message import Outgoing
from shared.events.channel import (
    Discount,
    OrderCancellationRequested,
    OrderSubmitted,
    RequestedLine,
    SaleRecorded,
    SoldLine,
    Tender,
)
from shared.events.event import Event, LineQuantity
from shared.events.operations import (
    PickCompleted,
    PickedLine,
    PickupHandedOver,
    StockAdjusted,
    StockCounted,
    StockReceived,
)
from shared.events.reference import SafetyStockSet
from tests.simulation.world import (
    CODES,
    LATE_ITEM,
    MUG,
    NORTH,
    PEN,
    RARE,
    SOUTH,
    STORES,
    WEB,
    Told,
    latecomers,
    told,
)

ORDERS = 3, 6
DAY_S = 4 * 3600
"""How long people are at it."""
TAKEN = ("web", WEB, None), ("app", WEB, None), ("pos", SOUTH, "ben"), ("call_centre", NORTH, None)
"""Channel, place and person of an order."""


class People:
    """Draws what the world tells. Where it `commutes`, stock is plenty, and nobody cancels, counts or locks a task."""

    def __init__(self, random: Random, *, commutes: bool) -> None:
        self._random, self._commutes = random, commutes
        contended = random.random() < 0.5 and not commutes
        self._skus = (RARE, RARE, MUG) if contended else (MUG, PEN, LATE_ITEM)
        self._stores = random.choice((STORES, (NORTH, SOUTH), (NORTH,)))

    def facts(self) -> Iterator[Told]:
        """Yield everything, in any order."""
        random = self._random
        yield from latecomers(at_s=(random.randrange(DAY_S), random.randrange(DAY_S)))
        for number in range(random.randint(*ORDERS)):
            if random.random() < 0.2:
                yield from self._sale(f"sale-{number}")
            else:
                yield from self._order(f"order-{number}")
        for number in range(random.randint(0, 4)):
            yield told(self._stock_fact(), f"stock-{number}", at_s=random.randrange(DAY_S))
        if random.random() < 0.1:
            yield self._garbage()
        if random.random() < 0.05:
            yield self._contradiction()

    def _order(self, order_id: str) -> Iterator[Told]:
        """An order, and what its customer and its stores do about it."""
        random, at_s = self._random, self._random.randrange(DAY_S // 2)
        lines = [self._wanted(number) for number in range(random.randint(1, 3))]
        submitted = self._submitted(order_id, lines)
        yield told(submitted, f"{order_id}-submitted", at_s=at_s)
        if random.random() < 0.1:
            yield told(submitted, f"{order_id}-submitted-again", at_s=self._later(at_s))
        if random.random() < 0.05:
            other = self._submitted(order_id, [self._wanted(7)])
            yield told(other, f"{order_id}-submitted-otherwise", at_s=self._later(at_s))
        for store in sorted({line.pickup_location_id or "" for line in lines}):
            if random.random() < 0.85:
                yield from self._served(
                    order_id, store, [each for each in lines if each.pickup_location_id == store], at_s
                )
        if not self._commutes:
            for number in range(random.choice((0, 0, 1, 2))):
                yield told(self._cancellation(order_id, lines), f"{order_id}-cancel-{number}", at_s=self._later(at_s))

    def _served(self, order_id: str, store: str, lines: Sequence[RequestedLine], at_s: int) -> Iterator[Told]:
        """A store picks, all at once or line by line, and hands over to whoever comes, however often they come."""
        random, name = self._random, f"{order_id}-{store}"
        parts = [lines] if random.random() < 0.6 else [[line] for line in lines]
        for number, part in enumerate(parts):
            at_s = self._later(at_s)
            yield told(self._pick(order_id, store, part), f"{name}-pick-{number}", at_s=at_s)
        for number in range(random.choice((0, 1, 1, 2, 3) if self._commutes else (0, 1, 1, 2, 7))):
            at_s = self._later(at_s)
            wrong = random.random() < (0.5 if number else 0.2)
            fate = "wrong-code" if wrong else "code"
            yield told(self._handover(order_id, store, lines, wrong=wrong), f"{name}-{number}-{fate}", at_s=at_s)

    def _pick(self, order_id: str, store: str, lines: Sequence[RequestedLine]) -> PickCompleted:
        picked = []
        for line in lines:
            short = self._random.choice((0, 0, 0, 1))
            picked.append(PickedLine(line_id=line.line_id, picked_quantity=line.quantity - short, short_quantity=short))
        return PickCompleted(order_id=order_id, location_id=store, lines=tuple(picked))

    def _handover(self, order_id: str, store: str, lines: Sequence[RequestedLine], *, wrong: bool) -> PickupHandedOver:
        """All that is ready is handed over, or a piece of one line."""
        right = CODES.of(order_id=order_id, location_id=store)
        some = (LineQuantity(line_id=self._random.choice(lines).line_id, quantity=1),)
        return PickupHandedOver(
            order_id=order_id,
            location_id=store,
            code="WRONG" if wrong else right,
            lines=some if self._random.random() < 0.3 else (),
            associate_id=self._random.choice((None, "cem")),
        )

    def _cancellation(self, order_id: str, lines: Sequence[RequestedLine]) -> OrderCancellationRequested:
        line = self._random.choice(lines)
        some = (LineQuantity(line_id=line.line_id, quantity=self._random.randint(1, line.quantity)),)
        return OrderCancellationRequested(
            order_id=order_id,
            channel="app",
            lines=some if self._random.random() < 0.6 else (),
            requested_by=self._random.choice(("customer", "associate")),
        )

    def _sale(self, order_id: str) -> Iterator[Told]:
        lines = tuple(SoldLine(**self._sold(number)) for number in range(self._random.randint(1, 3)))
        sale = SaleRecorded(
            order_id=order_id,
            brand="atelier",
            capture_location_id=self._random.choice((NORTH, SOUTH)),
            associate_id=self._random.choice((None, "ben")),
            currency="EUR",
            lines=lines,
            tenders=self._tenders(lines),
        )
        at_s = self._random.randrange(DAY_S)
        yield told(sale, f"{order_id}-recorded", at_s=at_s)
        if self._random.random() < 0.1 and not self._commutes:
            # The first one counts. Where that is a letter for a while, the other one is the first.
            yield told(sale, f"{order_id}-recorded-again", at_s=self._later(at_s))

    def _submitted(self, order_id: str, lines: Sequence[RequestedLine]) -> OrderSubmitted:
        channel, place, associate_id = self._random.choice(TAKEN)
        return OrderSubmitted(
            order_id=order_id,
            channel=channel,  # type: ignore[arg-type]
            brand="atelier",
            capture_location_id=place,
            associate_id=associate_id,
            currency="EUR",
            lines=tuple(lines),
            tenders=self._tenders(lines),
            when_short=self._random.choice(("reject_order", "reject_line")),
        )

    def _wanted(self, number: int) -> RequestedLine:
        return RequestedLine(**self._sold(number), pickup_location_id=self._random.choice(self._stores))

    def _sold(self, number: int) -> dict[str, Any]:
        """Return a line whose amounts divide badly."""
        random = self._random
        gross_minor = random.randint(0, 9999)
        off_minor = random.choice((0, 0, gross_minor // 7))
        discounts = (Discount(funder="brand", promotion="spring", amount_minor=off_minor),) if off_minor else ()
        return {
            "line_id": str(number),
            "sku": random.choice(self._skus),
            "quantity": random.randint(1, 3),
            "gross_minor": gross_minor,
            "discounts": discounts,
            "net_minor": gross_minor - off_minor,
            "tax_minor": gross_minor // 5,
        }

    def _tenders(self, lines: Sequence[SoldLine]) -> tuple[Tender, ...]:
        due = sum(line.net_minor + line.tax_minor for line in lines)
        card = self._random.randint(0, due)
        return Tender(method="card", amount_minor=card), Tender(method="voucher", amount_minor=due - card)

    def _stock_fact(self) -> Event:
        random = self._random
        where = {"location_id": random.choice(self._stores), "sku": random.choice(self._skus)}
        facts: list[Event] = [
            StockReceived(**where, quantity=random.randint(1, 3)),
            StockAdjusted(**where, change_quantity=random.choice((-2, -1, 1)), reason="broken or found"),
        ]
        if not self._commutes:
            facts.append(StockCounted(**where, counted_quantity=random.randint(0, 5)))
            facts.append(SafetyStockSet(**where, quantity=random.randint(0, 2)))
        return random.choice(facts)

    def _garbage(self) -> Told:
        """Something that can never be processed, where only inventory handles the type or nobody can tell it."""
        known, anybody = ("inventory",), ("fulfilment", "inventory")
        good = told(
            StockReceived(location_id=NORTH, sku=MUG, quantity=1), "garbage", at_s=self._random.randrange(DAY_S)
        )
        topic, key, value, headers = good.record.topic, good.record.key, good.record.value, good.record.headers
        untyped = tuple(header for header in headers if header[0] != "ce_type")
        text, slug, readers, record = self._random.choice(
            (
                ("half a brace", "not-json", known, Outgoing(topic, key, b"{", headers)),
                ("an empty object", "schema-violation", known, Outgoing(topic, key, b"{}", headers)),
                ("no value", "null-value", known, Outgoing(topic, key, None, headers)),
                ("no version of CloudEvents", "missing-attribute", known, Outgoing(topic, key, value, headers[1:])),
                ("no type", "missing-attribute", anybody, Outgoing(topic, key, value, untyped)),
            )
        )
        return Told(good.at_s, record, f"garbage: {text}", dead=slug, readers=readers)

    def _contradiction(self) -> Told:
        """A sale whose sums do not add up."""
        sale = SaleRecorded(
            order_id="wrong-sums",
            brand="atelier",
            capture_location_id=NORTH,
            currency="EUR",
            lines=(SoldLine(line_id="1", sku=MUG, quantity=1, gross_minor=5, net_minor=5),),
        )
        good = told(sale, "wrong-sums", at_s=self._random.randrange(DAY_S))
        return replace(good, dead="sums-do-not-add-up", readers=("order",))

    def _later(self, at_s: int) -> int:
        return at_s + self._random.randrange(1, DAY_S // 4)
