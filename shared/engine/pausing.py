"""Waiting for a time, or for something that ends it."""

import asyncio
from contextlib import suppress


async def pause(seconds: float, *, until: asyncio.Event) -> None:
    """Sleep, or until the event is set. A time that has passed is no pause."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), seconds)
