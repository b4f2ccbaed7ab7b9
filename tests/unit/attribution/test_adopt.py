"""A policy was published: it holds from its date, and what a version says never changes."""

from dataclasses import replace
from typing import Any

import pytest

from services.attribution.domain.adopt import adopt
from services.attribution.domain.policy import Policies
from services.attribution.policy.document import SHIPPED as SHIPPED_FILE
from services.attribution.policy.document import document_of, read_document
from shared.events.reference import PolicyPublished
from shared.kernel.decision import NOTHING, Answer, Decision
from tests.unit.attribution.world import GIVEN, NOON, SHIPPED, invalid

DOCUMENT = document_of(SHIPPED_FILE.read_text()) | {"version": "ours-1", "effective_from": "2026-11-02T12:00:00Z"}
OURS = replace(SHIPPED, version="ours-1", effective_from=NOON)
OURS_KEPT = Policies("attribution", (OURS,))


def published(document: dict[str, Any] = DOCUMENT, **changes: Any) -> PolicyPublished:
    event = PolicyPublished(version="ours-1", effective_from=NOON, document=document)
    return event.model_copy(update=changes)


def answer(event: PolicyPublished, policies: Policies | None = None) -> Answer:
    return adopt(event, GIVEN, policies=policies, shipped=SHIPPED, read=read_document)


def test_a_published_version_is_kept_beside_the_others() -> None:
    assert answer(published()) == Decision(rows=(OURS_KEPT,))
    later = DOCUMENT | {"version": "ours-2"}
    both = Policies("attribution", (OURS, replace(OURS, version="ours-2")))
    assert answer(published(later, version="ours-2"), OURS_KEPT) == Decision(rows=(both,))


def test_the_same_version_again_changes_nothing() -> None:
    assert answer(published(), OURS_KEPT) == NOTHING


@pytest.mark.parametrize(
    ("event", "slug"),
    [
        (published(DOCUMENT | {"handling_fee_minor": {}}), "policy-version-taken"),
        (published(DOCUMENT | {"version": "shipped-1"}, version="shipped-1"), "policy-version-taken"),
        (published(version="ours-9"), "policy-not-valid"),
        (published(effective_from=NOON.replace(hour=13)), "policy-not-valid"),
        (published(DOCUMENT | {"rules": []}), "policy-not-valid"),
    ],
)
def test_a_policy_that_cannot_be_adopted_is_set_aside(event: PolicyPublished, slug: str) -> None:
    assert invalid(answer(event, OURS_KEPT)).slug == slug


def test_no_more_versions_are_kept_than_are_loaded_with_ease() -> None:
    kept = tuple(replace(OURS, version=f"v-{number}") for number in range(100))
    assert isinstance(answer(published(), Policies("attribution", kept[1:])), Decision)
    assert invalid(answer(published(), Policies("attribution", kept))).slug == "too-many-policies"
