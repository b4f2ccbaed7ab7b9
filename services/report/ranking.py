"""The largest of many, and the rest in one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TOP = 10

Triple = tuple[str, str, int]
"""A name, a part of what it has, and how much that is."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A name, or the rest, with its amounts by part."""

    name: str
    parts: Mapping[str, int]
    is_rest: bool = False

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())


def ranking(amounts: Iterable[Triple], *, top: int = TOP) -> list[Ranked]:
    """Return the `top` names by total, the largest first, and the others as one that says how many they are."""
    by_name: dict[str, Counter[str]] = {}
    for name, part, amount in amounts:
        by_name.setdefault(name, Counter())[part] += amount
    ranked = sorted((Ranked(*each) for each in by_name.items()), key=lambda each: (-each.total, each.name))
    if len(ranked) <= top + 1:
        return ranked
    others: Counter[str] = Counter()
    for each in ranked[top:]:
        others.update(each.parts)
    return [*ranked[:top], Ranked(f"{len(ranked) - top:,} more", others, is_rest=True)]
