"""The attribution policy, a value: which rule holds for a recognition, and to which roles it gives the credit.

What no policy may be is refused where it is built, by a ValueError with a sentence for whoever wrote it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.attribution.domain.recognition import Players, Recognition
from services.attribution.domain.roles import ALWAYS_PLAYED, Role
from shared.events.channel import Channel, Method
from shared.events.reference import LocationKind
from shared.kernel.money import WHOLE_BP
from shared.kernel.value import Value

CURRENCY = re.compile(r"[A-Z]{3}")
FEE_MAX_MINOR = 10**12
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


@dataclass(frozen=True, slots=True)
class Portion:
    """What a rule gives to a role, and to which roles instead, in this order, where nobody played it."""

    role: Role
    basis_points: int
    otherwise: tuple[Role, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.basis_points <= WHOLE_BP:
            raise ValueError(f"{self.role} gets {self.basis_points} basis points; a portion has 1 to {WHOLE_BP}")
        if twice := _repeated(self.candidates):
            raise ValueError(f"{self.role} falls back to {twice} a second time")

    @property
    def candidates(self) -> tuple[Role, ...]:
        """The roles that may get it, the first first."""
        return (self.role, *self.otherwise)

    def played_by(self, players: Players) -> Role:
        """Return the first candidate that somebody played. A valid rule's candidates end in one that somebody did."""
        return next(role for role in self.candidates if role in players)


@dataclass(frozen=True, slots=True)
class Played:
    """Asks that somebody played a role, at a location of one of these kinds and regions. Empty means any."""

    role: Role
    kind: tuple[LocationKind, ...] = ()
    region: tuple[str, ...] = ()

    def holds(self, players: Players) -> bool:
        """Say whether the role was played so."""
        player = players.get(self.role)
        return (
            player is not None
            and _allows(self.kind, player.location.kind)
            and _allows(self.region, player.location.region)
        )


@dataclass(frozen=True, slots=True)
class When:
    """Which recognitions a rule is for: all conditions hold. Empty means any."""

    flow: tuple[Method, ...] = ()
    channel: tuple[Channel, ...] = ()
    brand: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    roles: tuple[Played, ...] = ()

    def holds(self, recognition: Recognition) -> bool:
        """Say whether a recognition is meant."""
        return (
            _allows(self.flow, recognition.line.method)
            and _allows(self.channel, recognition.sale.channel)
            and _allows(self.brand, recognition.sale.brand)
            and _allows(self.category, recognition.item.category)
            and all(played.holds(recognition.players) for played in self.roles)
        )


ALWAYS = When()


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets the credit of the recognitions it is for. Units that rounding leaves over go in this order on a tie."""

    name: str
    credit: tuple[Portion, ...]
    when: When = ALWAYS

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name: it is 1 to 64 letters, digits or . _ : / -")
        if twice := _repeated(portion.role for portion in self.credit):
            raise ValueError(f"{twice} is given credit twice")
        if (total := sum(portion.basis_points for portion in self.credit)) != WHOLE_BP:
            raise ValueError(f"credit sums to {total} basis points, not {WHOLE_BP}")
        certain = ALWAYS_PLAYED | {played.role for played in self.when.roles}
        for portion in self.credit:
            if not certain & set(portion.candidates):
                raise ValueError(
                    f"nobody may have played {' or '.join(portion.candidates)};"
                    f" add {' or '.join(sorted(certain))} to its `otherwise`"
                )


@dataclass(frozen=True, slots=True)
class Policy:
    """A version of the policy, and from when it holds. The first rule that is for a recognition decides."""

    version: str
    effective_from: datetime
    rules: tuple[Rule, ...]
    handling_fee_minor: dict[Method, dict[str, int]] = field(default_factory=dict)
    """By flow and currency: what a location earns from the capturing one for serving an order line of its."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.version):
            raise ValueError(f"{self.version!r} is no version: it is 1 to 64 letters, digits or . _ : / -")
        if self.effective_from.tzinfo is None:
            raise ValueError("effective_from needs an offset, such as 2026-01-01T00:00:00Z")
        self._check_rules()
        self._check_fees()

    def rule_for(self, recognition: Recognition) -> Rule:
        """Return the rule that decides; the last one is for everything, so there is one."""
        return next(rule for rule in self.rules if rule.when.holds(recognition))

    def handling_fee(self, flow: Method, currency: str) -> int:
        """Return the fee of a whole order line, 0 where the policy names none."""
        return self.handling_fee_minor.get(flow, {}).get(currency, 0)

    def _check_rules(self) -> None:
        if not self.rules or self.rules[-1].when != ALWAYS:
            raise ValueError("the last rule must be for everything (no `when`), so that every sale finds a rule")
        if twice := _repeated(rule.name for rule in self.rules):
            raise ValueError(f"two rules are named {twice}")
        for before, after in zip(self.rules, self.rules[1:], strict=False):
            if before.when == ALWAYS:
                raise ValueError(f"rule {after.name} is never reached: {before.name} before it is for everything")

    def _check_fees(self) -> None:
        for flow, fees in self.handling_fee_minor.items():
            for currency, fee_minor in fees.items():
                if not CURRENCY.fullmatch(currency) or not 0 <= fee_minor <= FEE_MAX_MINOR:
                    raise ValueError(f"handling fee of {flow}: {currency} {fee_minor} is no currency and amount")


class Policies(Value):
    """All versions that were published: one row."""

    name: str
    versions: tuple[Policy, ...] = ()


def in_effect(shipped: Policy, policies: Policies | None, moment: datetime) -> Policy:
    """Return the policy that holds at a moment: the latest to take effect, else the one that ships with Tekil.

    Of two from the same moment it is the greater version, whichever was heard of first.
    """
    published = policies.versions if policies else ()
    begun = (policy for policy in published if policy.effective_from <= moment)
    return max(begun, key=lambda policy: (policy.effective_from, policy.version), default=shipped)


def _allows(wanted: tuple[str, ...], found: str) -> bool:
    return not wanted or found in wanted


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
