"""One sample of every event type. `samples.jsonl` tells them as one story; its head says how it is written."""

import json
from pathlib import Path
from typing import Any

STORY = Path(__file__).with_suffix(".jsonl")
Envelope = dict[str, Any]
"""A CloudEvent in structured mode."""


def read_samples(told: Path = STORY) -> dict[str, Envelope]:
    """Return the first event of each type that a story tells."""
    samples: dict[str, Envelope] = {}
    for line in told.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            event = json.loads(line)
            samples.setdefault(event["type"], event)
    return samples
