"""Write down what the simulation makes of scenarios: to be read against the design, not to be believed.

Example: python -m tests.scenarios.record collected never-picked    (without names: all of them)
"""

import asyncio
import sys

from tests.scenarios.playing import NAMES, caused_by, expected_file, line_of, scenario
from tests.scenarios.simulated import simulated


async def record(name: str) -> bool:
    """Write the expected file of a scenario, and say whether it changed."""
    machine, clock = simulated()
    lines = [line_of(event) + "\n" for event in await caused_by(scenario(name), machine, clock)]
    path, text = expected_file(name), "".join(lines)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def main(names: list[str]) -> None:
    """Record scenarios and name those that changed: `git diff` shows how."""
    for name in names or NAMES:
        if asyncio.run(record(name)):
            sys.stdout.write(f"changed: {expected_file(name).name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
