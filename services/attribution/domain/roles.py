"""The parts that locations, and the people in them, play in a sale."""

from typing import Literal

Role = Literal["capture", "trial", "fulfil", "handover", "origin", "return", "owner"]
"""
capture: took the order; trial: let the customer try it before; fulfil: gave it from its shelf; handover: gave it to the
customer; origin: was `capture` of the sale that a return undoes; return: took it back; owner: owns the stock.
"""

ALWAYS_PLAYED: frozenset[Role] = frozenset({"capture", "fulfil"})
"""Every sale was taken somewhere, and its pieces came from somewhere."""
