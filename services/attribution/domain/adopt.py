"""A version of the policy was published: take it on, or say what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any

from services.attribution.domain.policy import Policies, Policy
from shared.events.reference import PolicyPublished
from shared.kernel.decision import NOTHING, Answer, Decision, Given, Invalid

POLICIES = "attribution"
"""The key of the one row that holds all versions."""
VERSIONS_MAX = 100
"""They are loaded with every batch, so they are bounded: a version a month lasts for eight years."""


def adopt(
    published: PolicyPublished,
    given: Given,
    *,
    policies: Policies | None,
    shipped: Policy,
    read: Callable[[Mapping[str, Any]], Policy],
) -> Answer:
    """Keep the version for the recognitions from its date on. What a version says never changes.

    `read` makes a policy of a document, or raises ValueError with what is wrong with it.
    """
    try:
        policy = read(published.document)
    except ValueError as error:
        return Invalid("policy-not-valid", str(error))
    if (policy.version, policy.effective_from) != (published.version, published.effective_from):
        return Invalid("policy-not-valid", "the document names another version or date than the event that carries it")
    policies = policies or Policies(POLICIES)
    known = {each.version: each for each in (shipped, *policies.versions)}.get(policy.version)
    if known == policy:
        return NOTHING
    if known is not None:
        return Invalid("policy-version-taken", f"version {policy.version} says something else already")
    if len(policies.versions) >= VERSIONS_MAX:
        return Invalid("too-many-policies", f"{VERSIONS_MAX} versions are published; no more are kept")
    return Decision(rows=(Policies(policies.name, (*policies.versions, policy)),))
