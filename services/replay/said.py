"""What the world outside says to Tekil, as CloudEvents in binary mode."""

from dataclasses import dataclass
from datetime import datetime

from shared.engine.message import CONTENT_TYPE, Outgoing
from shared.events.event import Event
from shared.kernel.ids import derive, time_of


@dataclass(frozen=True, slots=True)
class Said:
    """A fact or a wish, who says so, and when."""

    event: Event
    source: str
    at: datetime
    """By the speaker's clock, UTC."""

    def record(self) -> Outgoing:
        """Return it as a Kafka record. Its id is derived from all it says: who says it again says the same thing."""
        key, value = self.event.key.encode(), self.event.model_dump_json(exclude_defaults=True).encode()
        time = self.at.isoformat().replace("+00:00", "Z")
        event_id = derive(
            cause=f"{self.source} {self.event.TYPE} {time}",
            maker="replay",
            name=value.decode(),
            time_ms=time_of("", otherwise=self.at),
        )
        headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.event.TYPE.encode()),
            ("ce_time", time.encode()),
            ("ce_subject", key),
            (CONTENT_TYPE, b"application/json"),
        )
        return Outgoing(self.event.TOPIC, key, value, headers)
