"""Nothing that Tekil can say goes without a scenario in which it says so."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import services
from services.scenario import Envelope
from shared.events.catalogue import CATALOGUE
from shared.events.contracts.refusals import refusals, worded
from shared.events.contracts.topics import Incomplete
from shared.kernel.decision import Refused
from tests.scenarios.playing import NAMES, expected

OUTSIDE = {"tekil.channel.v1", "tekil.operations.v1", "tekil.reference.v1"}
CROSSING = {"cancellation.declined"}
"""Said when a handover crosses a cancellation on its way from service to service. A scenario lets every event settle
before the next, so test_crossing.py plays it."""


def every_refusal() -> set[str]:
    """Return service and slug of every refusal, and of every cause that is worded like one."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if ".domain" in module.name:
            import_module(module.name)
    ours = [refusal for refusal in Refused.__subclasses__() if refusal.__module__.startswith("services.")]
    return {f"{refusal.__module__.split('.')[1]}: {refusal.slug}" for refusal in ours}


def said_in(event: Envelope) -> Iterator[str]:
    """Yield service and slug of each reason that an event gives."""
    service = event["source"].removeprefix("/tekil/")
    if event["type"] == "dead_letter":
        yield f"{service}: {event['data']['reason']}"
    for reason in reasons(event["data"]):
        yield f"{service}: {reason}"


def reasons(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "slug" in value:
            yield value["slug"]
        for each in value.values():
            yield from reasons(each)
    elif isinstance(value, list):
        for each in value:
            yield from reasons(each)


def test_every_refusal_occurs_in_a_scenario() -> None:
    said = {slug for name in NAMES for event in expected(name) for slug in said_in(event)}
    assert every_refusal() - said == set()


def test_the_table_of_refusals_has_every_one_as_it_is_worded() -> None:
    table = {f"{each.service}: {each.slug}": each.sentence for each in worded()}
    assert table.keys() == every_refusal()
    assert {*table.values()} == {each.sentence for each in Refused.__subclasses__() if "services." in each.__module__}


@pytest.mark.parametrize(
    ("docstring", "scenario", "missing"),
    [
        ("The shop is shut.", '"shop-shut"', "a second paragraph: what to do"),
        (
            "The shop is shut.\n\n    Come again.",
            '"another"',
            "a scenario in tests/scenarios/*.expected.jsonl that tells it",
        ),
    ],
)
def test_a_refusal_without_advice_or_scenario_makes_no_table(
    tmp_path: Path, docstring: str, scenario: str, missing: str
) -> None:
    domain, scenarios = tmp_path / "services/shop/domain", tmp_path / "tests/scenarios"
    domain.mkdir(parents=True)
    scenarios.mkdir(parents=True)
    (domain / "refusals.py").write_text(f'class ShopShut(Refused):\n    """{docstring}"""\n')
    told = f'{{"source": "/tekil/shop", "type": "visit.refused", "data": {{"reason": {{"slug": {scenario}}}}}}}\n'
    (scenarios / "shut.expected.jsonl").write_text(told)
    with pytest.raises(Incomplete, match=re.escape(missing)):
        refusals(tmp_path)


def test_the_table_says_who_carries_a_refusal_and_what_to_do() -> None:
    assert (
        "| fulfilment | `wrong-store` | This order waits in another store. | `handover.refused` "
        "| Send the customer to the store in `fulfilment.ready_for_pickup`. |\n"
    ) in refusals()


def test_every_event_type_that_services_publish_occurs_in_a_scenario() -> None:
    published = {kind for kind, event in CATALOGUE.items() if event.TOPIC not in OUTSIDE}
    occurs = {event["type"] for name in NAMES for event in expected(name)}
    assert published - occurs == CROSSING
