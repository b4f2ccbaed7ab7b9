"""The weight of each service where more wants to run than there are cores: what docker-compose.yml gives its container.

Linux schedules containers as groups, and so it does sessions (`autogroup`, sched(7)), where niceness counts within a
session alone. Each service of the bench is a session of its own, so both are told.
"""

from functools import cache
from math import log
from pathlib import Path

import yaml
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
FULL = 1024
"""The cpu_shares of a container that is given none."""
STEP = 1.25
"""What one step of niceness is worth."""


@cache
def niceness(service: str) -> int:
    """Return the niceness that weighs as much less than none as its container's `cpu_shares` less than all."""
    shares: int = yaml.safe_load(COMPOSE.read_text())["services"][service].get("cpu_shares", FULL)
    return round(log(FULL / shares, STEP))


@retry(retry=retry_if_exception_type(BlockingIOError), wait=wait_fixed(0.1), stop=stop_after_delay(5), reraise=True)
def weigh(service: str, session: int) -> None:
    """Give a session the weight of a service. Linux takes ten such wishes a second of who is not root."""
    group = Path(f"/proc/{session}/autogroup")
    if niceness(service) and group.exists():
        group.write_text(str(niceness(service)))
