"""Hostile histories on all five services in memory: nothing crashes, nothing blocks, and no invariant breaks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engine import waiting
from shared.engine.message import Outgoing
from shared.events.samples import read_samples
from shared.events.structured import to_binary
from tests.hostile.campaign import play_all, told_of
from tests.hostile.fitting import OUTSIDE
from tests.hostile.generate import generate, good_ones
from tests.hostile.play import play
from tests.hostile.spoiling import VALUES, places_in
from tests.simulation.steps import History
from tests.simulation.world import Told

HISTORIES = 180
"""About 5,000 messages."""
REASONS = {
    "bad-header", "beyond-any-stock", "forged-source", "id-reused", "missing-attribute", "not-json",
    "null-value", "order-id-taken", "policy-not-valid", "schema-violation", "sums-do-not-add-up", "unknown-type",
    "value-too-large", "waited-too-long", "wrong-key", "wrong-topic",
}  # fmt: skip
"""Why records end as dead letters in these histories, at least."""
TOLD = {"fulfilment.collected", "attribution.posted", "handover.refused", "pick.refused", "order.completed"}
SAMPLES = read_samples()

json_values = st.recursive(
    st.sampled_from(VALUES) | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_whatever_anybody_says_nothing_is_our_fault_and_what_is_good_takes_effect() -> None:
    played = play_all(range(HISTORIES))
    if played.failing:
        pytest.fail("\n".join(told_of(min(seeds)) for seeds in played.failing.values()))
    assert {reason for outcome, reason in played.tally if outcome == "dead letter"} >= REASONS
    assert {kind for outcome, kind in played.tally if outcome == "published"} >= TOLD


@settings(max_examples=300)
@given(st.sampled_from(sorted(set(OUTSIDE))), st.integers(min_value=0), json_values)
def test_one_field_of_an_event_may_hold_anything(kind: str, place: int, value: Any) -> None:
    said = spoilt(kind, place, value)
    assert play(History(0, (said, *good_ones(0, 0, own_topics=False)), commutes=True)) is None


def spoilt(kind: str, place: int, value: Any) -> Told:
    """Return the sample of a type in which something else stands in one place."""
    envelope = read_samples()[kind]
    places = [*places_in(envelope)]
    holder, name = places[place % len(places)]
    holder[name] = value
    event = {**envelope, "type": kind} if isinstance(envelope.get("data"), dict) else {**SAMPLES[kind], "data": value}
    return Told(0, Outgoing(*to_binary(event)), kind)


def test_a_partition_that_blocks_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.WaitingRoom, "blocking", lambda room, stream: next(iter(room.waits), None))
    failures = [failure for seed in range(20) if (failure := play(generate(seed)))]
    assert "nothing-blocks" in {failure.check for failure in failures}


def test_a_history_is_a_function_of_its_seed() -> None:
    assert generate(7) == generate(7)
    assert replace(generate(7), seed=8) != generate(8)
