"""From a policy document, as it is published and as a YAML file holds it, to a policy: every mistake said at once."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from services.attribution.domain.policy import Policy

SHIPPED = Path(__file__).with_name("shipped.yaml")
PROBLEMS_MAX = 20


class PolicyNotValid(ValueError):
    """The document is no policy: one line for each thing that is wrong, with where it stands."""


class _Checked(BaseModel):
    """The configuration reaches the dataclasses within: no unknown field, no text for a number."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    policy: Policy


def read_document(document: Mapping[str, Any]) -> Policy:
    """Return the policy that a JSON document describes. Raises PolicyNotValid."""
    try:
        return _Checked.model_validate_json(json.dumps({"policy": document})).policy
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)[:PROBLEMS_MAX]
        raise PolicyNotValid("\n".join(_sentence(problem, document) for problem in problems)) from None


def document_of(text: str) -> dict[str, Any]:
    """Return the JSON document that a YAML text holds, ready for `policy.published`. Raises PolicyNotValid."""
    try:
        document = json.loads(json.dumps(yaml.safe_load(text), default=_plain))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise PolicyNotValid(f"this is not YAML of plain values: {error}") from None
    if not isinstance(document, dict):
        raise PolicyNotValid("a policy is a mapping with version, effective_from and rules")
    return document


def read_policy(text: str) -> Policy:
    """Return the policy that a YAML text describes. Raises PolicyNotValid."""
    return read_document(document_of(text))


def shipped_policy() -> Policy:
    """Return the policy that ships with Tekil and holds until another takes effect."""
    return read_policy(SHIPPED.read_text(encoding="utf-8"))


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be part of a policy")


def _sentence(problem: Any, document: Mapping[str, Any]) -> str:
    """Say where a problem stands, with the rule's name, and what it is."""
    what = problem["msg"].removeprefix("Value error, ")
    match problem["loc"][1:]:
        case ("rules", int(index), *within):
            where = [f"rule {_name_of_rule(document, index)}", *within]
        case within:
            where = [*within]
    return f"{', '.join(map(str, where))}: {what}" if where else what


def _name_of_rule(document: Mapping[str, Any], index: int) -> str:
    rule = document["rules"][index]
    return str(rule.get("name", index + 1)) if isinstance(rule, Mapping) else str(index + 1)
