"""The early messages of a batch: what each waits for, and which need not wait any longer."""

from collections.abc import Iterable, Iterator

from shared.engine.store import Parked, Wait
from shared.kernel.value import replace


class WaitingRoom:
    """Parked messages by what they wait for. The messages of a stream all wait for the same: the first one's row.

    A stream is in the order of its records: one that was set aside in between comes back to its place.
    """

    def __init__(self, parked: Iterable[Parked]) -> None:
        self._waiting: dict[Wait, list[Parked]] = {}
        self._last: dict[str, Parked] = {}
        """The latest message of each stream."""
        self._ready: dict[Wait, None] = {}
        self._came = {each.id: each for each in parked}
        for each in _in_order(self._came.values()):
            self.enter(replace(each, wait=self.blocking(each.message.stream) or each.wait))

    @property
    def waits(self) -> list[Wait]:
        """What is waited for."""
        return list(self._waiting)

    def blocking(self, stream: str) -> Wait | None:
        """Return what the earlier messages of a stream wait for, if they do."""
        return last.wait if (last := self._last.get(stream)) else None

    def enter(self, parked: Parked) -> None:
        """Let a message wait, behind those of its wait, and no shorter than those ahead in its stream."""
        last = self._last.get(parked.message.stream)
        if last is not None and last.until > parked.until:
            parked = replace(parked, until=last.until)
        self._waiting.setdefault(parked.wait, []).append(parked)
        self._last[parked.message.stream] = parked

    def leave(self, wait: Wait) -> list[Parked]:
        """Let all leave that wait for a row, in the order in which they came."""
        left = self._waiting.pop(wait)
        self._ready.pop(wait, None)
        for each in left:
            self._last.pop(each.message.stream, None)
        return left

    def withdraw(self, stream: str, *, after: int) -> list[Parked]:
        """Let those of a stream leave whose records come after an offset, in their order."""
        if (wait := self.blocking(stream)) is None:
            return []
        was_ready, later = wait in self._ready, []
        for each in self.leave(wait):
            if each.message.stream == stream and each.message.raw.offset > after:
                later.append(each)
            else:
                self.enter(each)
        if was_ready:
            self.arrived(wait)
        return later

    def arrived(self, wait: Wait) -> None:
        """Note that a row is there, in case somebody waits for it."""
        if wait in self._waiting:
            self._ready[wait] = None

    @property
    def ready(self) -> list[Wait]:
        """What is waited for still, though it is there."""
        return list(self._ready)

    def changes(self) -> tuple[list[Parked], list[Parked], list[int]]:
        """Return who came to wait, who waits for something else or longer, and the ids of those who left."""
        waiting = [each for of_wait in self._waiting.values() for each in of_wait]
        stayed = {each.id for each in waiting}
        return (
            [each for each in waiting if each.id is None],
            [each for each in waiting if each.id is not None and each != self._came[each.id]],
            [each_id for each_id in self._came if each_id is not None and each_id not in stayed],
        )


def _in_order(parked: Iterable[Parked]) -> Iterator[Parked]:
    """Yield messages as they came, those of each stream in the order of their records."""
    streams: dict[str, list[Parked]] = {}
    came = list(parked)
    for each in came:
        streams.setdefault(each.message.stream, []).append(each)
    turns = {stream: iter(sorted(of_it, key=lambda each: each.message.raw.offset)) for stream, of_it in streams.items()}
    return (next(turns[each.message.stream]) for each in came)
