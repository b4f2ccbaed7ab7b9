"""`python -m tests.bench.naive SERVICE`: run one of the plain services, until SIGTERM."""

import asyncio
import signal
import sys

import uvloop

from shared.runtime.settings import Settings
from tests.bench.naive.services import PLAIN
from tests.bench.naive.shell import Runner


async def _run(service: str) -> None:
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await Runner(PLAIN[service], Settings()).run(lambda: print("ready", flush=True))  # noqa: T201 - its parent waits


if __name__ == "__main__":
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(sys.argv[1]))
    except asyncio.CancelledError:
        pass
