"""`python -m tests.mesh.member_process`: members of some services, until SIGTERM or the end of what starts them.

Where they run comes as a line of JSON on standard input, since it holds passwords.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from typing import Any

import structlog

from services.registry import all_services
from tests.mesh.place import SETTINGS, Place
from tests.store.tally import TALLY


def main() -> None:
    """Run."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(level=logging.WARNING)
    given = json.loads(sys.stdin.readline())
    # The end of standard input is the end of the test run, however it came about.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
    asyncio.run(_run(given))


async def _run(given: dict[str, Any]) -> None:
    place = Place(**given)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    members = [place.member(service) for service in (*all_services(SETTINGS), TALLY) if service.name in place.databases]
    await asyncio.gather(*(member.start() for member in members))
    print("ready", flush=True)  # noqa: T201 - how its parent knows
    await stopping.wait()
    await asyncio.gather(*(member.stop() for member in members))


if __name__ == "__main__":
    main()
