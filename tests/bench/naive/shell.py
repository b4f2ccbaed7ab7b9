"""What the five plain services have in common: one handler and one transaction a message, an inbox, an outbox, a relay.

This is the same flow as Tekil's as a good team would first build it: FastStream, pydantic, SQLAlchemy's ORM on asyncpg.
The promises are the same: an event takes effect once, nothing is lost, the events of a key stay in order. The event
models, the envelope and the pickup codes are Tekil's own, so that both speak the same language.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, delete, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.engine.message import outgoing
from shared.events.event import Event
from shared.runtime.settings import Settings

RELAY_MAX = 100
RELAY_PAUSE_S = 0.02
EARLY_PAUSE_S = 0.02
"""How long a message waits that came before what it stands on; then its transaction begins again."""


class Early(Exception):
    """The message stands on something that is not there yet."""


class Base(DeclarativeBase):
    """The tables of a service; those below are in every database."""

    metadata = MetaData()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), int: BigInteger}


class Inbox(Base):
    """Every event that was taken into effect."""

    __tablename__ = "inbox"
    source: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default="now()")


class Outbox(Base):
    """What is still to be published."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str]
    key: Mapped[bytes]
    value: Mapped[bytes]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)


@dataclass(slots=True)
class Work:
    """What a handler is given: a session in a transaction, and a way to publish in it."""

    session: AsyncSession
    source: str
    cause_id: str
    occurred_at: datetime
    prefix: str
    _told: int = 0

    async def the(self, kind: type[Any], *key: str, lock: bool = True) -> Any:
        """Return the row of a key, locked until the commit. Raises Early where there is none."""
        row = await self.session.get(kind, key if len(key) > 1 else key[0], with_for_update=lock or None)
        if row is None:
            raise Early(f"{kind.__name__} {key}")
        return row

    async def tell(self, event: Event) -> None:
        """Publish an event if this transaction commits, after those before it."""
        record = outgoing(
            event,
            event_id=str(uuid4()),
            source=self.source,
            time=datetime.now(UTC),
            cause_id=self.cause_id,
            traceparent="",
            prefix=self.prefix,
        )
        headers = {name: (text or b"").decode() for name, text in record.headers}
        self.session.add(Outbox(topic=record.topic, key=record.key, value=record.value, headers=headers))
        # Ids are drawn while the rows that the event follows from are locked: so a key stays in order.
        await self.session.flush()


Handle = Callable[[Work, Any], Awaitable[None]]


@dataclass(frozen=True)
class Plain:
    """A service: its tables, and the handler of each type of event."""

    name: str
    tables: tuple[type[Base], ...]
    handlers: Mapping[type[Event], Handle]
    by_type: Mapping[str, tuple[type[Event], Handle]] = field(init=False)

    def __post_init__(self) -> None:
        found = {event.TYPE: (event, handle) for event, handle in self.handlers.items()}
        object.__setattr__(self, "by_type", found)


class Runner:
    """A service that runs."""

    def __init__(self, service: Plain, settings: Settings) -> None:
        assert settings.kafka is not None
        self._service, self._prefix = service, settings.topic_prefix
        self._sessions = async_sessionmaker(create_async_engine(url(settings, service.name), pool_size=10))
        self._broker = KafkaBroker(settings.kafka, acks="all", enable_idempotence=True, logger=None)
        for topic in sorted({event.TOPIC for event in service.handlers}):
            self._broker.subscriber(
                self._prefix + topic,
                # A group for each topic: in a common one, each consumer that comes would have all others begin again.
                group_id=f"{self._prefix}{service.name}.{topic}",
                auto_offset_reset="earliest",
                ack_policy=AckPolicy.NACK_ON_ERROR,
                decoder=_undecoded,
            )(self._take)

    async def run(self, ready: Callable[[], None]) -> None:
        """Consume and publish until cancelled."""
        await self._broker.start()
        ready()
        try:
            await self._relay()
        finally:
            await self._broker.stop()

    async def _take(self, message: KafkaMessage) -> None:
        """Take a message into effect, once; one that is early is tried again until it is not."""
        headers = message.headers
        if (found := self._service.by_type.get(headers["ce_type"])) is None:
            return
        model, handle = found
        event = model.model_validate_json(message.body)
        while True:
            with suppress(Early):
                async with self._sessions.begin() as session:
                    if await _is_new(session, headers):
                        work = Work(
                            session,
                            f"/tekil/{self._service.name}",
                            headers["ce_id"],
                            datetime.fromisoformat(headers["ce_time"]),
                            self._prefix,
                        )
                        await handle(work, event)
                return
            await asyncio.sleep(EARLY_PAUSE_S)

    async def _relay(self) -> None:
        """Publish the outbox in the order of its ids, and delete what Kafka acknowledged."""
        while True:
            async with self._sessions.begin() as session:
                rows = (await session.scalars(select(Outbox).order_by(Outbox.id).limit(RELAY_MAX))).all()
                sent = [
                    await self._broker.publish(row.value, row.topic, key=row.key, headers=row.headers, no_confirm=True)
                    for row in rows
                ]
                await asyncio.gather(*sent)
                if rows:
                    await session.execute(delete(Outbox).where(Outbox.id.in_([row.id for row in rows])))
            if not rows:
                await asyncio.sleep(RELAY_PAUSE_S)


def url(settings: Settings, service: str) -> str:
    """Return where a service's database is, for SQLAlchemy."""
    assert settings.postgres is not None
    base = settings.postgres.get_secret_value().replace("postgresql://", "postgresql+asyncpg://")
    return f"{base}/{settings.database(service)}"


async def _is_new(session: AsyncSession, headers: Mapping[str, str]) -> bool:
    statement = insert(Inbox).values(source=headers["ce_source"], id=headers["ce_id"])
    found = await session.execute(statement.on_conflict_do_nothing().returning(Inbox.id))
    return found.first() is not None


async def _undecoded(message: KafkaMessage) -> bytes:
    return bytes(message.body)
