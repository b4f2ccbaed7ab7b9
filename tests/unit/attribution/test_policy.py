"""Which rule decides, which version holds, and what no policy may say."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.attribution.domain.policy import Played, Policies, Policy, Portion, Rule, When, in_effect
from services.attribution.domain.roles import Role
from services.attribution.policy.document import SHIPPED as SHIPPED_FILE
from services.attribution.policy.document import PolicyNotValid, document_of, read_document, read_policy
from shared.kernel.value import replace
from tests.unit.attribution.world import NOON, SHIPPED, STORE_A, STORE_B, WAREHOUSE, WEB, line, played, recognition

ALL_TO_CAPTURE = (Portion("capture", 10_000),)
EVERYTHING_ELSE = Rule("everything-else", ALL_TO_CAPTURE)
PICKUP = recognition(line(100), played(capture=WEB, fulfil=STORE_A, handover=STORE_A))


def policy(version: str, effective_from: datetime, *rules: Rule) -> Policy:
    return Policy(version, effective_from, (*rules, EVERYTHING_ELSE))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (When(), True),
        (When(flow=("carry_out", "pickup")), True),
        (When(flow=("ship",)), False),
        (When(channel=("web",)), True),
        (When(channel=("pos",)), False),
        (When(brand=("brand-1",)), True),
        (When(brand=("brand-2",)), False),
        (When(category=("tops", "shoes")), True),
        (When(category=("shoes",)), False),
        (When(roles=(Played("handover"),)), True),
        (When(roles=(Played("trial"),)), False),
        (When(roles=(Played("fulfil", kind=("store", "partner")),)), True),
        (When(roles=(Played("fulfil", kind=("warehouse",)),)), False),
        (When(roles=(Played("fulfil", region=("marmara",)),)), True),
        (When(roles=(Played("capture", region=("marmara",)),)), False),
        (When(flow=("pickup",), channel=("pos",)), False),
    ],
)
def test_a_rule_is_for_a_recognition_when_all_its_conditions_hold(when: When, holds: bool) -> None:
    special = Rule("special", ALL_TO_CAPTURE, when)
    rules = (special, EVERYTHING_ELSE) if when != When() else (special,)
    found = Policy("p-1", NOON, rules).rule_for(PICKUP)
    assert (found.name == "special") is holds


def test_the_first_rule_that_is_meant_decides() -> None:
    rules = [Rule(name, ALL_TO_CAPTURE, When(flow=("pickup",))) for name in ("one", "two")]
    assert policy("p-1", NOON, *rules).rule_for(PICKUP).name == "one"


@pytest.mark.parametrize(
    ("otherwise", "stands_in"),
    [(("capture",), "capture"), (("fulfil", "capture"), "fulfil"), (("trial", "capture"), "capture")],
)
def test_a_portion_goes_down_its_list_to_the_first_role_that_was_played(
    otherwise: tuple[Role, ...], stands_in: Role
) -> None:
    players = played(capture=WEB, fulfil=STORE_A)
    assert Portion("handover", 1_500, otherwise).played_by(players) == stands_in


@pytest.mark.parametrize(
    ("days", "version"), [(-1, "shipped-1"), (0, "spring"), (9, "spring"), (10, "summer-b"), (99, "summer-b")]
)
def test_the_latest_version_that_has_begun_holds(days: int, version: str) -> None:
    summer = NOON + timedelta(days=10)
    published = [policy("summer-b", summer), policy("summer-a", summer), policy("spring", NOON)]
    for order in (published, published[::-1]):
        policies = Policies("attribution", tuple(order))
        assert in_effect(SHIPPED, policies, NOON + timedelta(days=days)).version == version
    assert in_effect(SHIPPED, None, NOON) is SHIPPED


def rule(name: str, *credit: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"name": name, "credit": list(credit)} | ({"when": when} if when else {})


def portion(role: str, basis_points: Any, *otherwise: str) -> dict[str, Any]:
    return {"role": role, "basis_points": basis_points, "otherwise": list(otherwise)}


WHOLE = portion("capture", 10_000)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            [rule("a", portion("capture", 4_000), portion("fulfil", 5_000))],
            "rule a: credit sums to 9000 basis points, not 10000",
        ),
        (
            [rule("a", portion("capture", 5_000), portion("capture", 5_000))],
            "rule a: capture is given credit twice",
        ),
        (
            [rule("a", portion("trial", 10_000))],
            "rule a: nobody may have played trial; add capture or fulfil to its `otherwise`",
        ),
        (
            [rule("a", portion("trial", 10_000, "handover", "trial", "capture"))],
            "rule a, credit, 0: trial falls back to trial a second time",
        ),
        (
            [rule("a", portion("capture", 0), WHOLE)],
            "rule a, credit, 0: capture gets 0 basis points; a portion has 1 to 10000",
        ),
        (
            [rule("a", portion("capture", "10000"))],
            "rule a, credit, 0, basis_points: Input should be a valid integer",
        ),
        (
            [rule("a", WHOLE, roles=[{"role": "fulfil", "kind": ["shop"]}]), rule("b", WHOLE)],
            "rule a, when, roles, 0, kind, 0: Input should be 'online', 'store', 'warehouse' or 'partner'",
        ),
        (
            [rule("a", WHOLE | {"otherwize": []})],
            "rule a, credit, 0, otherwize: Unexpected keyword argument",
        ),
        (
            [rule("a", WHOLE, flow=["pickup"])],
            "the last rule must be for everything (no `when`), so that every sale finds a rule",
        ),
        ([], "the last rule must be for everything (no `when`), so that every sale finds a rule"),
        ([rule("a", WHOLE), rule("b", WHOLE)], "rule b is never reached: a before it is for everything"),
        ([rule("a", WHOLE, flow=["ship"]), rule("a", WHOLE)], "two rules are named a"),
        ([rule("no name", WHOLE)], "rule no name: 'no name' is no name: it is 1 to 64 letters, digits or . _ : / -"),
    ],
)
def test_a_mistake_is_said_with_the_rule_that_holds_it(rules: Sequence[dict[str, Any]], problem: str) -> None:
    document = {"version": "p-1", "effective_from": "2026-01-01T00:00:00Z", "rules": rules}
    with pytest.raises(PolicyNotValid) as raised:
        read_document(document)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("version", "", "'' is no version: it is 1 to 64 letters, digits or . _ : / -"),
        ("effective_from", "2026-01-01T00:00:00", "effective_from needs an offset, such as 2026-01-01T00:00:00Z"),
        ("handling_fee_minor", {"pickup": {"EUR": -1}}, "handling fee of pickup: EUR -1 is no currency and amount"),
        (
            "handling_fee_minor",
            {"pickup": {"EUR": 10**12 + 1}},
            "handling fee of pickup: EUR 1000000000001 is no currency and amount",
        ),
        ("handling_fee_minor", {"pickup": {"euro": 1}}, "handling fee of pickup: euro 1 is no currency and amount"),
        ("comment", "x", "comment: Unexpected keyword argument"),
    ],
)
def test_a_mistake_outside_the_rules_is_said_too(field: str, value: Any, problem: str) -> None:
    document = {"version": "p-1", "effective_from": "2026-01-01T00:00:00Z", "rules": [rule("a", WHOLE)], field: value}
    with pytest.raises(PolicyNotValid) as raised:
        read_document(document)
    assert str(raised.value) == problem


def test_all_mistakes_are_said_at_once() -> None:
    text = SHIPPED_FILE.read_text().replace("8000", "7000").replace("role: fulfil, basis", "role: pick, basis")
    with pytest.raises(PolicyNotValid) as raised:
        read_policy(text)
    assert [problem.split(":")[0] for problem in str(raised.value).splitlines()] == [
        "rule shipped-from-a-warehouse",
        "rule every-other-sale, credit, 2, role",
    ]


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: !!python/object:os.system x", "a: &a [*a]", "a: !!binary x"])
def test_what_is_no_policy_file_is_refused_in_words(text: str) -> None:
    with pytest.raises(PolicyNotValid):
        document_of(text)


def test_a_role_that_a_condition_asks_for_needs_no_stand_in() -> None:
    tried = Rule("tried", (Portion("trial", 10_000),), When(roles=(Played("trial"),)))
    players = played(capture=WEB, trial=STORE_B, fulfil=WAREHOUSE)
    assert policy("p-1", NOON, tried).rule_for(replace(PICKUP, players=players)) is tried


def test_the_shipped_policy_is_the_design_s() -> None:
    assert SHIPPED.version == "shipped-1"
    assert SHIPPED.effective_from == datetime(1970, 1, 1, tzinfo=UTC)
    assert [(each.name, each.when) for each in SHIPPED.rules] == [
        ("shipped-from-a-warehouse", When(flow=("ship",), roles=(Played("fulfil", kind=("warehouse",)),))),
        ("every-other-sale", When()),
    ]
    assert [each.credit for each in SHIPPED.rules] == [
        (Portion("capture", 8_000), Portion("trial", 2_000, ("capture",))),
        (
            Portion("capture", 4_000),
            Portion("trial", 2_000, ("capture",)),
            Portion("fulfil", 2_500),
            Portion("handover", 1_500, ("fulfil",)),
        ),
    ]
