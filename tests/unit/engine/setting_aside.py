"""Records that were set aside, for tests that look at dead letters."""

from datetime import UTC, datetime

from shared.engine.letters import Letter, type_of
from shared.engine.message import Raw

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def set_aside(raw: Raw, reason: str = "not-json", detail: str = "") -> Letter:
    """Return the letter of a record that could not be read."""
    return Letter(
        raw=raw,
        type=type_of(raw.headers),
        reason=reason,
        detail=detail,
        handler="",
        claimed=False,
        first_failed_at=NOON,
        failed_at=NOON,
    )
