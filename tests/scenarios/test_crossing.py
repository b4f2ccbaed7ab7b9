"""Messages that cross on their way, which a scenario cannot tell: it lets each settle before the next."""

from datetime import datetime

from services.scenario import in_causal_order
from shared.engine.message import Outgoing
from shared.events.structured import to_binary
from tests.scenarios.playing import caused_by, scenario
from tests.scenarios.simulated import simulated


async def test_a_handover_wins_over_a_cancellation_that_is_on_its_way_to_the_store() -> None:
    machine, clock = simulated()
    submitted, picked, handed_over, cancelled, _ = scenario("cancelled-too-late")
    await caused_by([submitted, picked], machine, clock, until=datetime.fromisoformat(handed_over["time"]))

    await machine.publish(Outgoing(*to_binary(cancelled)))
    await machine.publish(Outgoing(*to_binary(handed_over)))
    published = in_causal_order(await machine.settle())

    assert [event["type"] for event in published] == [
        "fulfilment.collected",
        "cancellation.asked",
        "attribution.posted",
        "cancellation.declined",
        "stock.issued",
        "order.completed",
        "cancellation.refused",
    ]
    refused = published[-1]["data"]
    assert refused["lines"] == [{"line_id": "1", "quantity": 1}]
    assert refused["reason"]["slug"] == "already-collected"
