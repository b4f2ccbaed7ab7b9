"""What would Tekil do? Each scenario, played in memory, publishes exactly what is expected."""

import pytest

from tests.scenarios.playing import NAMES, caused_by, difference, expected, scenario, scenario_file
from tests.scenarios.simulated import simulated


@pytest.mark.parametrize("name", NAMES)
async def test_it_publishes_what_is_expected(name: str) -> None:
    machine, clock = simulated()
    published = await caused_by(scenario(name), machine, clock)
    if differs := difference(expected(name), published):
        pytest.fail(differs, pytrace=False)


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_its_story(name: str) -> None:
    assert scenario_file(name).read_text(encoding="utf-8").startswith("# ")
