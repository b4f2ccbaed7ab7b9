"""A web shop in JavaScript that knows only the contracts: its order is reserved, picked, collected and attributed."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from services.registry import all_services
from shared.engine.message import Outgoing
from shared.events.contracts.generated import CONTRACTS
from shared.events.samples import STORY, Envelope
from shared.events.structured import to_binary
from tests.contract.node_project import PROJECT, run_node
from tests.mesh.place import SETTINGS, Place, eventually, running

SAMPLES = CONTRACTS / "samples"
ORDER = SAMPLES / "order.submitted.json"
MORNING = datetime(2026, 3, 2, 10, tzinfo=UTC)
"""Of the day on which the samples were told."""


def sample(kind: str) -> Envelope:
    envelope: Envelope = json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))
    return envelope


def before_the_order() -> Iterator[Outgoing]:
    """What the world says in the story of the samples until the order comes: places, goods, a scarf that is damaged."""
    lines = (json.loads(line) for line in STORY.read_text("utf-8").splitlines() if line[:1] == "{")
    told = takewhile(lambda event: event["type"] != "order.submitted", lines)
    return (Outgoing(*to_binary(event)) for event in told if not event["source"].startswith("/tekil/"))


async def stock(place: Place) -> list[tuple[Any, ...]]:
    query = "SELECT sku, on_hand, reserved, safety FROM stock ORDER BY sku"
    return [tuple(row) for row in await place.fetch("inventory", query)]


async def said(place: Place, topic: str, kind: str) -> list[dict[str, Any]]:
    """What a service published of a type."""
    published = await place.published(topic)
    return [json.loads(record.value) for record in published if dict(record.headers)["ce_type"] == kind.encode()]


async def only(place: Place, topic: str, kind: str) -> dict[str, Any]:
    async def number() -> int:
        return len(await said(place, topic, kind))

    await eventually(number, 1)
    [data] = await said(place, topic, kind)
    return data


async def test_an_order_from_javascript_is_collected_and_attributed(place: Place) -> None:
    async with running(*(place.member(service, clock=lambda: MORNING) for service in all_services(SETTINGS))):
        await place.publish(*before_the_order())
        await eventually(lambda: stock(place), [("coat-navy-m", 10, 0, 1), ("scarf-red", 0, 0, 0)])

        done = await asyncio.to_thread(
            run_node, PROJECT / "publish_order.mjs", place.bootstrap, place.prefix, str(ORDER)
        )
        assert (done.returncode, done.stdout) == (0, "published 1\n"), done.stderr
        await only(place, "tekil.fulfilment.v1", "fulfilment.created")

        await place.publish(Outgoing(*to_binary(sample("pick.completed"))))
        ready = await only(place, "tekil.fulfilment.v1", "fulfilment.ready_for_pickup")
        handover = sample("pickup.handed_over")
        handover["data"]["code"] = ready["pickup_code"]
        await place.publish(Outgoing(*to_binary(handover)))

        posted = await only(place, "tekil.attribution.v1", "attribution.posted")
        await only(place, "tekil.order.v1", "order.completed")

    assert (posted["order_id"], posted["line_id"], posted["quantity"], posted["net_minor"]) == ("W-1042", "1", 2, 17982)
    credit = {each["line"]: each["amount"] for each in posted["postings"] if each["book"] == "credit"}
    assert sum(credit.values()) == 17982
    assert credit.keys() == {"capture", "trial", "fulfil", "handover"}
    [order] = await place.fetch(
        "order", "SELECT order_id, status, collected_quantity, cancelled_quantity, open_quantity FROM orders"
    )
    assert tuple(order) == ("W-1042", "completed", 2, 2, 0), "the scarf was damaged and a coat was not found"
