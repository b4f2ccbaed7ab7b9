"""An order's life, told line by line from the events that the services published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from services.commands.books import amount

Data = Mapping[str, Any]


def _pieces(data: Data) -> str:
    return ", ".join(f"{line['quantity']} of {line.get('sku') or 'line ' + line['line_id']}" for line in data["lines"])


def _posted(data: Data) -> str:
    shares: dict[str, int] = {}
    for posting in data["postings"]:
        if posting["book"] == "credit":
            shares[posting["account"]] = shares.get(posting["account"], 0) + posting["amount"]
    told = ", ".join(f"{holder} {amount(credited)}" for holder, credited in shares.items())
    net = amount(data["net_minor"], data["currency"])
    return f"{data['quantity']} of {data['sku']} is final: net {net}, credit {told}"


def _availability(data: Data) -> str:
    return f"{data['sku']} at {data['location_id']}: {data['available_to_promise']} can still be promised"


TELLING: dict[str, Callable[[Data], str]] = {
    "order.placed": lambda data: f"the order is ours: {_pieces(data)}",
    "order.confirmed": lambda data: f"all of it is kept for the customer: {_pieces(data)}",
    "order.completed": lambda data: "nothing is open any more",
    "order.rejected": lambda data: "; ".join(reason["sentence"] for reason in data["reasons"]),
    "order.line_cancelled": lambda data: f"{data['quantity']} of line {data['line_id']}: {data['reason']['sentence']}",
    "refund.requested": lambda data: f"{amount(data['amount_minor'], data['currency'])} goes back",
    "stock.reserved": lambda data: f"reserved: {_pieces(data)}",
    "stock.issued": lambda data: f"left the shelf: {_pieces(data)}",
    "stock.released": lambda data: f"free again: {_pieces(data)}",
    "availability.changed": _availability,
    "fulfilment.created": lambda data: (
        f"{data['location_id']} is to pick by {data['pick_by'][:16].replace('T', ' ')} UTC"
    ),
    "fulfilment.ready_for_pickup": lambda data: (
        f"waits for the customer until {data['pickup_by'][:16].replace('T', ' ')} UTC, code {data['pickup_code']}"
    ),
    "fulfilment.collected": lambda data: f"handed over: {_pieces(data)}",
    "attribution.posted": _posted,
}
"""What an event says, in a sentence. Types that are not here are left out of the tale."""


def timeline(events: Sequence[Mapping[str, Any]], began: datetime) -> Table:
    """Tell events, in the order of their times, with the milliseconds since the beginning."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("after", justify="right", style="dim")
    table.add_column("event", style="cyan", no_wrap=True)
    table.add_column("what it says")
    for event in sorted(events, key=lambda event: datetime.fromisoformat(event["time"])):
        if tell := TELLING.get(event["type"]):
            after_ms = (datetime.fromisoformat(event["time"]) - began).total_seconds() * 1000
            table.add_row(f"{after_ms:,.0f} ms", event["type"], tell(event["data"]))
    return table
