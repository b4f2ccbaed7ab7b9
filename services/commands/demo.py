"""`tekil demo`: the life of one order, told; then a grocer's baskets through the same five services."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.rule import Rule
from rich.text import Text

from services.attribution import store as attribution
from services.commands import console
from services.commands.books import explanation
from services.commands.reporting import replay_with_progress
from services.commands.timeline import timeline
from services.mesh import Mesh, running
from services.replay.replay import Options
from services.report.page import page
from services.report.report import Report
from services.report.tables import tables
from services.running import servers
from services.scenario import Envelope, Real, in_causal_order
from shared.engine.message import Outgoing
from shared.events.structured import to_binary
from shared.runtime.settings import Settings

ORDER = "WEB-1001"
OPEN = [{"day": day, "opens": "10:00", "closes": "20:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
WORLD: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "location.described",
        {"location_id": "web", "kind": "online", "name": "Web shop", "brand": "atelier", "cost_centre": "cc-web"},
    ),
    (
        "location.described",
        {
            "location_id": "store-nisantasi", "kind": "store", "name": "Nişantaşı", "brand": "atelier",
            "cost_centre": "cc-nisantasi", "time_zone": "Europe/Istanbul", "opening_hours": OPEN,
        },
    ),
    (
        "item.described",
        {"sku": "COAT-38", "name": "Wool coat, 38", "brand": "atelier", "standard_cost_minor": 4200, "currency": "EUR"},
    ),
    ("associate.described", {"associate_id": "a-derya", "location_id": "store-nisantasi", "role": "sales"}),
    ("stock.received", {"location_id": "store-nisantasi", "sku": "COAT-38", "quantity": 3, "document": "DN-88"}),
)  # fmt: skip
SUBMITTED = {
    "order_id": ORDER, "channel": "web", "brand": "atelier", "capture_location_id": "web", "currency": "EUR",
    "customer_id": "c-7Q2",
    "lines": [
        {
            "line_id": "1", "sku": "COAT-38", "quantity": 1, "gross_minor": 12001,
            "discounts": [{"funder": "brand", "promotion": "Autumn", "amount_minor": 2000}],
            "net_minor": 10001, "tax_minor": 2000, "method": "pickup", "pickup_location_id": "store-nisantasi",
        },
    ],
    "tenders": [{"method": "gift_card", "amount_minor": 5000}, {"method": "card", "amount_minor": 7001}],
}  # fmt: skip
PICKED = {
    "order_id": ORDER, "location_id": "store-nisantasi", "associate_id": "a-derya",
    "lines": [{"line_id": "1", "picked_quantity": 1}],
}  # fmt: skip


async def tell_one_order(mesh: Mesh) -> None:
    """Send one order from the web shop to the counter, and show what every service made of it."""
    machine = Real(mesh)
    await machine.begin()
    try:
        for number, (kind, data) in enumerate(WORLD):
            await machine.publish(_event(f"world-{number}", kind, data))
        await machine.settle()
        began = datetime.now(UTC)
        told = await _publish(machine, "order.submitted", SUBMITTED)
        told += await _publish(machine, "pick.completed", PICKED)
        ready = next(event["data"] for event in told if event["type"] == "fulfilment.ready_for_pickup")
        told += await _publish(machine, "pickup.handed_over", _handed_over(ready["pickup_code"]))
    finally:
        await machine.end()
    console.out.print(Rule(f"The life of order {ORDER}: bought on the web, collected in Nişantaşı", align="left"))
    console.out.print(timeline(told, began))
    member = next(member for member in mesh.members if member.service.name == "attribution")
    console.out.print(Rule("From whose stock, into whose budget, to whose performance", align="left"))
    console.out.print(explanation(await attribution.entries_of_order(member.pool, ORDER)))


async def _publish(machine: Real, kind: str, data: dict[str, Any]) -> list[Envelope]:
    await machine.publish(_event(f"{ORDER}-{kind}", kind, data))
    return in_causal_order(await machine.settle())


def _event(event_id: str, kind: str, data: dict[str, Any]) -> Outgoing:
    now = datetime.now(UTC).isoformat()
    envelope = {"specversion": "1.0", "id": event_id, "source": "/demo", "type": kind, "time": now, "data": data}
    return Outgoing(*to_binary(envelope))


def _handed_over(code: str) -> dict[str, Any]:
    return {
        "order_id": ORDER, "location_id": "store-nisantasi", "code": code,
        "collected_by": "someone_else", "associate_id": "a-derya",
    }  # fmt: skip


def demo(found: Settings, baskets: int, html: Path) -> None:
    """Start everything here, tell the life of one order, then replay a grocer's baskets and write the report."""
    report = console.run(_perform(found, Options(baskets=baskets)))
    console.out.print(tables(report))
    html.write_text(page(report), encoding="utf-8")
    console.out.print(f"The same as a page: {html.absolute()}", soft_wrap=True)


async def _perform(found: Settings, options: Options) -> Report:
    async with servers(found, embedded=True) as addresses:
        console.err.print(Text(f"{addresses.running_on}: all of it ends with this command", "dim"))
        async with running(Mesh(found, bootstrap=addresses.bootstrap, postgres=addresses.postgres)) as mesh:
            await tell_one_order(mesh)
            title = f"A grocer's first {options.baskets:,} baskets through the same five services"
            console.out.print(Rule(title, align="left"))
            return await replay_with_progress(mesh, options)
