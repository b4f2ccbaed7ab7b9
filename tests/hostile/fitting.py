"""Events that fit their schemas, drawn from the schemas that we publish and from few names, so that they meet."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from services.attribution.policy.document import SHIPPED, document_of
from shared.events import channel, operations, reference
from shared.events.catalogue import CATALOGUE
from tests.simulation.world import CODES, MUG, NORTH, PEN, RARE, SOUTH, WEB

SCHEMAS = Path(__file__).parents[2] / "docs" / "contracts" / "schemas"
OUTSIDE_TOPICS = (channel.TOPIC, operations.TOPIC, reference.TOPIC)
OFTEN = ("order.submitted", "order.submitted", "pick.completed", "pick.completed", "pickup.handed_over")
OUTSIDE = OFTEN + tuple(kind for kind, event in CATALOGUE.items() if event.TOPIC in OUTSIDE_TOPICS)
NEIGHBOURS = tuple(kind for kind in CATALOGUE if kind not in OUTSIDE)
Data = dict[str, Any]

PLACES = (NORTH, NORTH, SOUTH, "nowhere")
CENTRES = ("cc-web", "cc-north", "cc-brand")
NAMES: dict[str, tuple[str, ...]] = {
    "line_id": ("1", "2"),
    "sku": (MUG, PEN, RARE, "invented"),
    "location_id": PLACES,
    "pickup_location_id": PLACES,
    "capture_location_id": (WEB, WEB, NORTH, "nowhere"),
    "cost_centre": CENTRES,
    "owner_cost_centre": CENTRES,
    "associate_id": ("a-1", "a-2"),
    "version": ("v-1", "v-2"),
    "currency": ("EUR", "EUR", "USD", "XXX"),
    "time_zone": ("UTC", "Europe/Istanbul", "America/Nuuk", "Pacific/Apia", "Etc/GMT+12"),
    "method": ("pickup", "pickup", "pickup", "carry_out", "ship"),
    "slug": ("some-reason",),
    "pickup_code": ("ABC234",),
}
"""What fields are called in these histories, whoever says them."""
MOMENTS = (
    "2026-03-02T08:00:00Z",
    "2026-03-29T02:30:00+01:00",
    "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:59.999999Z",
    "2026-03-02T08:00:00-23:59",
)
DATES = ("2026-03-03", "0001-01-01", "9999-12-31")
TIMES = ("00:00", "09:00", "12:30:00", "23:59:59")
TEXTS = ("", "a word", "ÇĞİÖŞÜ", "'; DROP TABLE orders; --", "{{7*7}}", "%s%n", "x" * 200)
BOUND_PERCENT = 25
"""Of numbers that stand at a bound of their schema."""
SENSIBLE_PERCENT = 85
"""Of events that also make sense as far as a schema cannot say what does."""
MANY_PERCENT = 2
"""Of lists that are as long as their schema allows."""


@cache
def schema_of(kind: str) -> Data:
    """Return the schema of an event type, as it is published."""
    found: Data = json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    return found


def fitting(kind: str, random: Random, orders: tuple[str, ...]) -> Data:
    """Return data that an event of this type may have, about one of these orders; mostly it makes sense, too."""
    data: Data = _Drawing(random, schema_of(kind), orders).draw(schema_of(kind), "")
    if kind in SENSE and random.randrange(100) < SENSIBLE_PERCENT:
        SENSE[kind](data, random)
    return data


class _Drawing:
    """One event as it is drawn."""

    def __init__(self, random: Random, schema: Data, orders: tuple[str, ...]) -> None:
        self._random, self._definitions, self._names = random, schema.get("$defs", {}), {**NAMES, "order_id": orders}

    def draw(self, schema: Data, name: str) -> Any:
        """Return a value that fits a schema, for the field of this name."""
        if "$ref" in schema:
            return self.draw(self._definitions[schema["$ref"].rpartition("/")[2]], name)
        if "anyOf" in schema:
            return self.draw(self._random.choice(schema["anyOf"]), name)
        if name in self._names and schema.get("type") == "string":
            return self._random.choice(self._names[name])
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return getattr(self, f"_{schema['type']}")(schema, name)

    def _object(self, schema: Data, name: str) -> Data:
        required = schema.get("required", ())
        fields = schema.get("properties", {}).items()
        return {
            field: self.draw(described, field)
            for field, described in fields
            if field in required or self._random.random() < 0.7
        }

    def _array(self, schema: Data, name: str) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        count = most if self._random.randrange(100) < MANY_PERCENT else self._random.randint(least, min(most, 2))
        items = [self.draw(schema["items"], name) for _ in range(count)]
        for number, item in enumerate(items, start=1):
            if isinstance(item, dict) and "line_id" in item and self._random.random() < 0.9:
                item["line_id"] = str(number)
        return items

    def _integer(self, schema: Data, name: str) -> int:
        least, most = int(schema.get("minimum", -(10**9))), int(schema.get("maximum", 10**9))
        chance = self._random.randrange(100)
        if chance < BOUND_PERCENT:
            return self._random.choice((least, most, max(least, 0)))
        if chance < 2 * BOUND_PERCENT:
            return min(most, max(least, int(10 ** self._random.uniform(0, 13))))
        return min(most, max(least, self._random.randint(1, 3)))

    def _string(self, schema: Data, name: str) -> str:
        if "format" in schema:
            return self._random.choice(MOMENTS if schema["format"] == "date-time" else DATES)
        if "[0-5]" in schema.get("pattern", ""):
            return self._random.choice(TIMES)
        if "A-Za-z0-9._:/-" in schema.get("pattern", ""):
            return self._random.choice(("x", "x" * schema["maxLength"], "A.b_c:d/e-f"))
        return self._random.choice(TEXTS)[: schema.get("maxLength")]

    def _null(self, schema: Data, name: str) -> None:
        return None

    def _boolean(self, schema: Data, name: str) -> bool:
        return self._random.random() < 0.5


def _add_up(data: Data, random: Random) -> None:
    """Let the sums of an order be right, as far as tenders can pay them."""
    due = 0
    for line in data["lines"]:
        left = line["gross_minor"]
        for discount in line.get("discounts", ()):
            discount["amount_minor"] = min(discount["amount_minor"], left)
            left -= discount["amount_minor"]
        line["net_minor"] = left
        due += left + line.get("tax_minor", 0)
    most = 10**12
    paid = [most] * (due // most) + [due % most]
    data["tenders"] = [{"method": "card", "amount_minor": amount} for amount in paid][:20]


def _order(data: Data, random: Random) -> None:
    """Let an order be one that can be had: of few pieces, to be collected in a store that has them."""
    if random.randrange(100) < SENSIBLE_PERCENT:
        data["capture_location_id"] = WEB
        for number, line in enumerate(data["lines"], start=1):
            line |= {"line_id": str(number), "sku": MUG, "method": "pickup", "pickup_location_id": NORTH}
            line["quantity"] = random.choice((1, 1, 1, 3))
        data["lines"] = data["lines"][: random.choice((1, 1, 500))]
    _add_up(data, random)


def _pick(data: Data, random: Random) -> None:
    data |= {"location_id": NORTH, "lines": data["lines"][: random.choice((1, 1, 500))]}
    for line in data["lines"]:
        line |= {"picked_quantity": random.choice((1, 1, 1, 3)), "short_quantity": random.choice((0, 0, 0, 1))}


def _show_the_code(data: Data, random: Random) -> None:
    data |= {"location_id": NORTH, "lines": random.choice(((), data.get("lines", ())))}
    data["code"] = CODES.of(order_id=data["order_id"], location_id=data["location_id"])


def _open_in_order(data: Data, random: Random) -> None:
    hours = random.choice((("00:00", "00:01"), ("09:00", "23:59:59")))
    data["opening_hours"] = [{"day": "mon", "opens": hours[0], "closes": hours[1]}][: random.randrange(2)]


def _publish_a_policy(data: Data, random: Random) -> None:
    data["document"] = document_of(SHIPPED.read_text(encoding="utf-8")) | {
        "version": data["version"],
        "effective_from": data["effective_from"],
    }


SENSE: dict[str, Callable[[Data, Random], None]] = {
    "order.submitted": _order,
    "sale.recorded": _add_up,
    "pick.completed": _pick,
    "pickup.handed_over": _show_the_code,
    "location.described": _open_in_order,
    "policy.published": _publish_a_policy,
}
"""What makes sense of a type."""
