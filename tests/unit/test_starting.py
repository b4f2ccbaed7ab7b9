"""Services that start together: the first failure, or a signal, breaks the others off before anything is stopped."""

import asyncio

import pytest

from services.running import NotPrepared, together, unless


class Slow:
    """A start that takes for ever, and a moment to be broken off."""

    def __init__(self) -> None:
        self.has_begun, self.has_ended = asyncio.Event(), False

    async def start(self) -> None:
        self.has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            self.has_ended = True


async def start_after(other: Slow) -> None:
    await other.has_begun.wait()


async def fail_after(other: Slow) -> None:
    await other.has_begun.wait()
    raise NotPrepared("The database of order lacks itself.")


async def test_a_start_that_fails_is_raised_when_the_others_have_ended() -> None:
    slow = Slow()

    with pytest.raises(NotPrepared, match="lacks itself"):
        await together([slow.start(), fail_after(slow)])

    assert slow.has_ended


async def test_a_signal_breaks_a_start_off_and_waits_until_it_has_ended() -> None:
    slow, signalled = Slow(), asyncio.Event()
    start = asyncio.create_task(unless(signalled, together([slow.start(), start_after(slow)])))
    await slow.has_begun.wait()

    signalled.set()

    assert (await start, slow.has_ended) == (False, True)


async def test_a_start_that_nobody_waits_for_any_more_is_broken_off() -> None:
    slow = Slow()
    start = asyncio.create_task(unless(asyncio.Event(), together([slow.start()])))
    await slow.has_begun.wait()

    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    assert slow.has_ended


async def test_a_start_that_comes_to_its_end_is_told_and_one_that_fails_is_raised() -> None:
    begun = Slow()
    begun.has_begun.set()

    assert await unless(asyncio.Event(), together([start_after(begun)]))
    with pytest.raises(NotPrepared):
        await unless(asyncio.Event(), together([fail_after(begun)]))
