"""Rounds, one after the other, on servers that some of them share."""

import asyncio
import shutil
from collections import deque
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from tests.chaos.crew import nursery
from tests.chaos.playing import Report, Round
from tests.chaos.schedule import plan
from tests.chaos.servers import servers

ROUNDS_ON_THE_SAME = 5
"""What earlier rounds left on a Kafka makes its restarts slower; and one that failed may have left a server down."""


async def campaign(
    seeds: range, logs: Path, *, bug: str = "", tell: Callable[[str], None] = lambda _: None
) -> AsyncGenerator[Report, None]:
    """Play the round of each seed. The folder of one that failed stays in `logs`, named for its seed."""
    await asyncio.to_thread(logs.mkdir, parents=True, exist_ok=True)
    left = deque(seeds)
    while left:
        tell("servers start")
        async with servers() as started, nursery(logs / "nursery.log") as forks:
            well, rounds = True, 0
            while left and well and rounds < ROUNDS_ON_THE_SAME:
                seed, rounds = left.popleft(), rounds + 1
                folder = logs / str(seed)
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                await asyncio.to_thread(folder.mkdir)
                report = await Round(
                    plan=plan(seed), servers=started, nursery=forks, folder=folder, bug=bug, tell=tell
                ).play()
                if well := not report.wrong:
                    await asyncio.to_thread(shutil.rmtree, folder)
                yield report
