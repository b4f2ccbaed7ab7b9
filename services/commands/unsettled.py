"""What services have read and not decided, told where somebody looks for what it would have done."""

from collections.abc import Mapping

import asyncpg

from services.commands.lines import several
from shared.engine import letterbox
from shared.engine.looking import Unsettled, waits

NAMED_MAX = 5
"""Dead letters of an order that are named of each service: enough to see what is wrong."""


async def held_up(service: str, connection: asyncpg.Connection, order_id: str) -> list[str]:
    """Name what a service has set aside of an order, and what it lets wait."""
    letters, counts = await letterbox.entries(connection, key=order_id.encode())
    waiting = await waits(connection, key=order_id.encode())
    told = [f"{service}/{each.id} is a dead letter of it: {each.reason}" for each in letters[:NAMED_MAX]]
    if (more := sum(count.letters for count in counts) - NAMED_MAX) > 0:
        told.append(
            f"{service} has {several(more, 'dead letter')} of it more: tekil dead-letters list --key {order_id}"
        )
    for each in waiting:
        messages = several(each.messages, "message")
        told.append(f"{service} has {messages} of it parked, until it knows {each.kind.lower()} {each.key}")
    return told


def still_unsettled(of_services: Mapping[str, Unsettled], *, drifts: bool) -> list[str]:
    """Say in a line for each service what it has not decided, where it has read any: that may be what differs."""
    theirs = ": differences may be theirs" if drifts else ""
    return [
        f"{name}: {several(each.dead_letters, 'dead letter')} open, {several(each.parked, 'message')} parked{theirs}"
        for name, each in of_services.items()
        if each.dead_letters or each.parked
    ]
