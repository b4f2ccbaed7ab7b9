"""What one transaction is about, and how work that fails is narrowed down to the message that fails."""

from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb

from shared.engine.deciding import FAILED, REFUSED, WAKES_MAX
from shared.engine.message import Message, Unreadable
from shared.engine.store import DeadlineSet, Poison, Wait
from shared.kernel.decision import Invalid
from shared.kernel.value import Value, replace


class Work(Value):
    """What one transaction is about: one of the four."""

    readings: Sequence[Message | Unreadable] = ()
    deadlines: Sequence[DeadlineSet] = ()
    letters: Sequence[str] = ()
    waits: Sequence[Wait] = ()
    wakes_max: int = WAKES_MAX
    refused: Invalid | None = None
    """Why it failed before, outside of any decision: it is set aside, then."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.readings or self.deadlines or self.letters or self.waits)

    def narrowed(self, reason: Invalid) -> tuple["Work", ...]:
        """Return the parts of work that failed, until what fails stands alone, and in the end to be set aside.

        What stands alone is tried without waking those that wait for it, since one of them may be what fails. There
        are no parts where even setting it aside fails.
        """
        for name in ("readings", "deadlines", "letters", "waits"):
            if (half := len(whole := getattr(self, name)) // 2) > 0:
                return replace(self, **{name: whole[:half]}), replace(self, **{name: whole[half:]})
        if self.wakes_max > 1:
            return (replace(self, wakes_max=self.wakes_max // 2 if self.waits else 0),)
        match self.readings:
            case [Message() as message]:
                # Unread it needs no rows: what fails may be the looking for them.
                return (replace(self, readings=[as_refused(message, reason)], refused=reason),)
        if self.readings or self.refused:
            return ()
        return (replace(self, refused=reason),)


def reason_of(error: Exception) -> Invalid:
    """Return why work is set aside that only the store, or code of ours outside of its decision, finds to be wrong."""
    if isinstance(error, Poison):
        return Invalid(REFUSED, str(error))
    return Invalid(FAILED, f"{type(error).__name__} outside of its decision: {_where(error)}")


def _where(error: Exception) -> str:
    last = extract_tb(error.__traceback__)[-1]
    return f"{last.name} in {Path(last.filename).name}"


def as_refused(message: Message, reason: Invalid) -> Unreadable:
    """Return a message as one that cannot be read, and holds its stream."""
    return Unreadable(message.raw, reason.slug, reason.detail, holds=message.stream)
