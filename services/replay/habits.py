"""What the data set does not tell and a seed decides: who orders on the web, what is missing, who never comes.

Every choice is a hash of the seed and of what it is about. So it depends on nothing that happened before it, and the
same seed makes the same world, however much of it is played and in whatever order Tekil answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from shared.kernel.money import WHOLE_BP

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often something happens, in basis points of the cases in which it can."""

    orders_on_web: int = 2000
    """A basket is ordered on the web and collected in one of the household's own stores."""
    takes_what_there_is: int = 3000
    """A web order wants the lines that can be had, rather than all or nothing."""
    never_delivered: int = 30
    """A product does not come to a store: its web orders fall short there, its tills sell below zero."""
    short_on_shelf: int = 300
    """The picker of an order misses a piece that the books promise."""
    calls_off_early: int = 150
    """The customer cancels before the order is picked,"""
    calls_off_late: int = 100
    """or when it waits in the store."""
    never_comes: int = 100
    wrong_code: int = 200
    """Whoever comes shows a wrong code first."""
    comes_twice: int = 300
    """A piece is taken first and the rest later."""
    sends_someone: int = 700


@dataclass(frozen=True, slots=True)
class Chance:
    """Choices by a seed."""

    seed: int

    def happens(self, basis_points: int, *about: object) -> bool:
        """Say whether something of this frequency happens in the case that `about` names."""
        return self.below(WHOLE_BP, *about) < basis_points

    def among(self, choices: Sequence[T], *about: object) -> T:
        """Return one of these choices, each as likely as the others."""
        return choices[self.below(len(choices), *about)]

    def below(self, bound: int, *about: object) -> int:
        """Return a whole number from 0 up to the bound."""
        text = "|".join(map(str, (self.seed, *about)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") % bound
