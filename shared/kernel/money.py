"""Exact division of amounts. Money is an integer of minor units; no float ever touches it."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

WHOLE_BP = 10_000
"""One whole, in basis points."""


def split(amount: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Split an amount by weights so that the shares sum to exactly the amount.

    Largest remainder (Hamilton): every share is rounded towards zero, and the units left over go one each to the
    largest remainders; ties go to the earlier key. A negative amount splits as the mirror of the positive one.

    Raises ValueError where the weights are negative or sum to nothing.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError(f"weights must be at least 0 and sum to more than 0, not {dict(weights)}")
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    shares = {key: size * weight // total for key, weight in weights.items()}
    left = size - sum(shares.values())
    by_remainder = sorted(weights, key=lambda key: -(size * weights[key] % total))
    for key in by_remainder[:left]:
        shares[key] += 1
    return {key: sign * share for key, share in shares.items()}


def part(amount: int, *, whole: int, before: int, taken: int) -> int:
    """Return what `taken` of `whole` pieces are worth when `before` of them have gone already.

    Cumulative rounding: whatever the sequence of parts, they sum to exactly the amount once the whole is taken.
    """
    if not 0 <= before <= before + taken <= whole or whole <= 0:
        raise ValueError(f"cannot take {taken} after {before} of {whole}")
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    return sign * (size * (before + taken) // whole - size * before // whole)
