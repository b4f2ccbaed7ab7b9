"""One sample of every event type, read from `samples.yaml`: one story, told in the order in which it happened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from shared.events.catalogue import CATALOGUE
from shared.events.event import Event
from shared.kernel.ids import derive, time_of

STORY = Path(__file__).with_suffix(".yaml")
DAY = date(2026, 3, 2)
"""When the story happens: a Monday."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An event in the envelope in which it was published."""

    event: Event
    source: str
    id: str
    time: datetime
    cause_id: str = ""
    """The id of the event or deadline that it follows from; none for what the world says."""

    @property
    def envelope(self) -> dict[str, Any]:
        """The CloudEvent in structured mode. The world leaves out what goes without saying; a service says it all."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.event.TYPE,
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "subject": self.event.key,
            **({"causationid": self.cause_id} if self.cause_id else {}),
            "datacontenttype": "application/json",
            "data": self.event.model_dump(mode="json", exclude_unset=not self.cause_id),
        }


def read_samples(told: Path = STORY) -> dict[str, Sample]:
    """Return the samples by event type.

    Raises ValueError for a type that is told twice or is unknown, and for data that breaks its model.
    """
    samples: dict[str, Sample] = {}
    for entry in yaml.safe_load(told.read_text(encoding="utf-8"))["story"]:
        kind = entry["type"]
        if kind not in CATALOGUE or kind in samples:
            raise ValueError(f"{told.name} tells {kind}, which is {'told already' if kind in samples else 'unknown'}")
        samples[kind] = _sample(entry, samples)
    return samples


def _sample(entry: Mapping[str, Any], earlier: Mapping[str, Sample]) -> Sample:
    event = CATALOGUE[entry["type"]].model_validate_json(json.dumps(entry["data"]))
    at = datetime.combine(DAY, time.fromisoformat(entry["at"]), UTC)
    if "because" not in entry:
        return Sample(event, entry["source"], entry["id"], at)
    cause = earlier.get(entry["because"])
    source, cause_id = (cause.source, cause.id) if cause else ("", entry["because"])
    made = derive(
        cause=f"{source} {cause_id}",
        maker=entry["service"],
        name=entry.get("ordinal", 0),
        time_ms=time_of(cause_id, otherwise=cause.time if cause else at),
    )
    return Sample(event, f"/tekil/{entry['service']}", made, at, cause_id)
