"""From a refusal to the reason that an event carries."""

from shared.events.event import Reason
from shared.kernel.decision import Refused


def reason(refusal: type[Refused], line_id: str | None = None) -> Reason:
    """Return the reason for a refusal, about a line where one is named."""
    return Reason(slug=refusal.slug, sentence=refusal.sentence, line_id=line_id)
