"""Why a record is a dead letter, by name: so that a typing error is no answer."""

from collections.abc import Iterable

import asyncpg

from services.commands import console
from shared.engine import letterbox

DOCUMENTED = frozenset({
    "missing-attribute", "bad-header", "null-value", "not-json", "value-too-large", "wrong-topic", "wrong-key",
    "forged-source", "unknown-type", "schema-violation", "reading-failed", "id-reused", "behind-a-letter",
    "waited-too-long", "decision-failed", "refused-by-database", "sums-do-not-add-up", "line-id-repeated",
    "order-id-taken", "policy-not-valid", "policy-version-taken", "too-many-policies", "beyond-any-stock",
    "lines-contradict", "line-unknown", "more-than-sold", "more-than-bought", "confirmed-otherwise",
})  # fmt: skip
"""Those that docs/operate.md explains. A letter may have another one, from another release."""


async def insist_on(reason: str | None, connections: Iterable[asyncpg.Connection]) -> None:
    """End the command where a reason is neither documented nor that of any letter, and name those that are."""
    if reason is None or reason in DOCUMENTED:
        return
    known = DOCUMENTED.union(*[await letterbox.reasons(each) for each in connections])
    if reason not in known:
        console.fail(f"{reason} is no reason of a dead letter. These are: {', '.join(sorted(known))}")
