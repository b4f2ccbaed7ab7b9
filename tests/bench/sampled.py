"""`python -m tests.bench.sampled SERVICE FILE`: run a service as `tekil run` does, and sample where its CPU time goes.

From SIGUSR1 on, every few milliseconds of CPU time the stack is looked at; the end of the process writes the counts.
The kernel interrupts in C as well, but Python looks only once it is back in its own code: what a C library does is
counted for the Python that called it or, where the event loop called it, that comes next.
"""

import atexit
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from services.cli import app

INTERVAL_S = 0.002
OTHER = "event loop, sockets"
LAYERS: tuple[tuple[str, str, str], ...] = (
    ("engine/member.py", "_tick_forever", "ticker"),
    ("engine/message.py", "read", "decode"),
    ("engine/engine.py", "_outset", "claim, look, load"),
    ("engine/deciding.py", "finish", "encode"),
    ("engine/deciding.py", "", "decide"),
    ("engine/columns.py", "outbox_row", "outbox"),
    ("engine/postgres.py", "save", "save"),
    ("engine/postgres.py", "begin", "begin and commit"),
    ("engine/engine.py", "", "engine"),
    ("engine/relay.py", "", "relay"),
    ("aiokafka/producer", "", "relay: Kafka client"),
    ("engine/consumer.py", "_commit", "commit offsets"),
    ("engine/fetching.py", "", "fetch"),
    ("aiokafka/consumer", "", "fetch"),
    ("aiokafka/record", "", "fetch"),
    ("aiokafka/", "", "Kafka client"),
    ("engine/consumer.py", "", "consume"),
    ("engine/member.py", "", "consume"),
    ("faststream/", "", "FastStream"),
    ("uvicorn/", "", "HTTP"),
)
"""File, function and layer. The first line that fits any frame of a stack names its layer."""


class Sampler:
    """Counts stacks by layer, and by the function that was running."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def begin(self, *_: object) -> None:
        """Count from now on."""
        self.layers.clear()
        self.functions.clear()
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def sample(self, _: int, frame: FrameType | None) -> None:
        """Count a stack."""
        if frame is None:
            return
        self.functions[_place(frame)] += 1
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_code.co_name))
            frame = frame.f_back
        self.layers[layer_of(stack)] += 1

    def write(self, path: Path) -> None:
        """Write what was counted."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_text(json.dumps({"layers": self.layers, "functions": self.functions}))


def layer_of(stack: list[tuple[str, str]]) -> str:
    """Return the layer of a stack of files and functions."""
    for file, function, layer in LAYERS:
        if any(file in where and function in ("", name) for where, name in stack):
            return layer
    return OTHER


def _place(frame: FrameType) -> str:
    parts = Path(frame.f_code.co_filename).parts[-2:]
    return f"{'/'.join(parts)}:{frame.f_code.co_qualname}"


def main() -> None:
    """Run."""
    service, out = sys.argv[1:]
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler.sample)
    signal.signal(signal.SIGUSR1, sampler.begin)
    atexit.register(sampler.write, Path(out))
    app(["run", service])


if __name__ == "__main__":
    main()
