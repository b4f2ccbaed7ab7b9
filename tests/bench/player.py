"""The driver: it plays the world. It submits orders, and answers what it reads as a store and its customers would.

A pick is reported only once `fulfilment.created` was read, and a handover only once the code was: no message comes
before its time, as most would if all were published beforehand. A bounded number of orders is in flight, so that the
services always have work and never a queue that no shop would have.

When something was told is read from its record: Kafka stamps each with the time at which it appends it. So the driver
need not ask all the time, which would keep Kafka and itself busy.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from shared.engine.message import Outgoing
from shared.events import attribution, fulfilment, inventory, order
from shared.events.attribution import AttributionPosted
from shared.events.fulfilment import FulfilmentCreated, ReadyForPickup
from shared.events.inventory import AVAILABILITY_TOPIC, StockReserved
from shared.events.order import OrderCompleted, OrderRejected
from tests.bench.world import LINES, Order

WINDOW = 2_000
"""Orders in flight."""
READ_MAX, READ_WAIT_S = 500, 0.005
LINGER_MS = 0
"""Nothing is held back for company: what a driver waits for would count as Tekil's."""
SILENT_MAX_S = 60.0
"""After so long without anything to read, orders are stuck."""
FETCH_BYTES, FETCH_WAIT_MS = 100_000, 50
"""It asks Kafka twenty times a second and not thousands, and answers what is published up to so much later."""
TOPICS = (order.TOPIC, inventory.TOPIC, fulfilment.TOPIC, attribution.TOPIC)
_TYPE, _CODE = "ce_type", msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Life:
    """When an order's steps were said and told, in seconds since 1970; Kafka's clock and ours are the same."""

    submitted: float
    reserved: float = 0.0
    handed_over: float = 0.0
    posted: float = 0.0
    postings: int = 0
    completed: bool = False
    rejected: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will be heard of it."""
        return self.rejected or (self.completed and self.postings == LINES)


@dataclass
class Played:
    """What became of the orders, and how long it took."""

    began: float
    lives: dict[str, Life] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first submission to the last posting."""
        return max(life.posted for life in self.lives.values()) - self.began

    @property
    def per_second(self) -> float:
        """Whole lifecycles a second."""
        return len(self.lives) / self.seconds


class Stuck(RuntimeError):
    """Orders did not come to their end; the message says how many and where the first one stands."""


class Player:
    """One world, on the topics of one contender."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix = prefix
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": LINGER_MS,
                "queue.buffering.max.messages": 1_000_000,
                # Kafka ends before we do: that is nothing to complain about.
                "log_level": 0,
            }
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"{prefix}player",
                "enable.auto.commit": False,
                "fetch.min.bytes": FETCH_BYTES,
                "fetch.wait.max.ms": FETCH_WAIT_MS,
            }
        )
        _stamp_when_appended(bootstrap, [prefix + topic for topic in TOPICS])
        self._consumer.assign(self._ends([*TOPICS, AVAILABILITY_TOPIC]))

    def _ends(self, topics: Iterable[str]) -> list[TopicPartition]:
        found = []
        for topic in topics:
            named = self._prefix + topic
            for partition in self._consumer.list_topics(named).topics[named].partitions:
                _, end = self._consumer.get_watermark_offsets(TopicPartition(named, partition))
                found.append(TopicPartition(named, partition, end))
        return found

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def say(self, records: Iterable[Outgoing]) -> None:
        """Publish, and wait until Kafka has it."""
        for record in records:
            self._publish(record)
        self._producer.flush()

    def _publish(self, record: Outgoing) -> None:
        while True:
            try:
                self._producer.produce(
                    self._prefix + record.topic, record.value, record.key, headers=list(record.headers)
                )
                return
            except BufferError:
                self._producer.poll(0.1)

    def await_availability(self, rows: int) -> None:
        """Wait until what can be promised was told of so many pairs of store and sku."""
        seen: set[object] = set()
        for message in self._until_silent():
            if message.topic() == self._prefix + AVAILABILITY_TOPIC:
                seen.add(message.key())
            if len(seen) == rows:
                return
        raise Stuck(f"{rows - len(seen)} of {rows} stock rows cannot be sold yet")

    def await_told(self, kind: str, count: int) -> None:
        """Wait until so many events of a type were published."""
        told = 0
        for message in self._until_silent():
            told += _type_of(message) == kind
            if told == count:
                return
        raise Stuck(f"{told} of {count} {kind} were published")

    def _until_silent(self) -> Iterator[Message]:
        """Yield what is published, until nothing has been for a long time."""
        heard = time.perf_counter()
        while time.perf_counter() - heard < SILENT_MAX_S:
            for message in self._read():
                heard = time.perf_counter()
                yield message

    def play(self, orders: Sequence[Order], *, window: int = WINDOW, per_second: float | None = None) -> Played:
        """Take orders from their submission to their end. With a rate, they are submitted at even intervals."""
        by_id = {each.order_id: each for each in orders}
        waiting = iter(orders)
        played = Played(began=time.time())
        submitted, over, heard = 0, 0, time.perf_counter()
        while over < len(orders):
            room = min(window - (submitted - over), len(orders) - submitted)
            if per_second is not None:
                room = min(room, int((time.time() - played.began) * per_second) + 1 - submitted)
            for _ in range(room):
                each = next(waiting)
                # When it was due, if that was earlier: what a late driver costs is not to be left out.
                due = played.began + submitted / per_second if per_second is not None else time.time()
                played.lives[each.order_id] = Life(submitted=due)
                self._publish(each.submitted)
                submitted += 1
            messages = self._read()
            over += sum(self._hear(message, by_id, played) for message in messages)
            self._producer.poll(0)
            heard = time.perf_counter() if messages or submitted == over else heard
            if time.perf_counter() - heard > SILENT_MAX_S:
                raise Stuck(
                    f"{submitted - over} orders; {next(each for each in played.lives.items() if not each[1].over)}"
                )
        return played

    def _read(self) -> list[Message]:
        """Return what was published since."""
        return self._consumer.consume(READ_MAX, timeout=READ_WAIT_S)

    def _hear(self, message: Message, orders: dict[str, Order], played: Played) -> bool:
        """Take a record into account and answer it; return whether an order has come to its end by it."""
        key = message.key()
        life = played.lives.get(key.decode()) if isinstance(key, bytes) else None
        if life is None or life.over:
            return False
        kind = _type_of(message)
        if kind == FulfilmentCreated.TYPE:
            self._publish(orders[key.decode()].picked)  # type: ignore[union-attr]
        elif kind == ReadyForPickup.TYPE:
            code = _CODE.decode(message.value() or b"")["pickup_code"]
            life.handed_over = time.time()
            self._publish(orders[key.decode()].handed_over(code))  # type: ignore[union-attr]
        elif kind == StockReserved.TYPE:
            life.reserved = _appended_at(message)
        elif kind == AttributionPosted.TYPE:
            life.postings, life.posted = life.postings + 1, _appended_at(message)
        elif kind == OrderCompleted.TYPE:
            life.completed = True
        elif kind == OrderRejected.TYPE:
            life.rejected, life.posted = True, _appended_at(message)
        return life.over


def _stamp_when_appended(bootstrap: str, topics: Iterable[str]) -> None:
    stamp = ConfigEntry("message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET)
    wanted = [ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[stamp]) for topic in topics]
    client = AdminClient({"bootstrap.servers": bootstrap})
    for answer in client.incremental_alter_configs(wanted).values():
        answer.result()


def _appended_at(message: Message) -> float:
    kind, milliseconds = message.timestamp()
    assert kind == TIMESTAMP_LOG_APPEND_TIME, "the publisher's clock tells when it began to publish"
    return milliseconds / 1000


def _type_of(message: Message) -> str:
    return next((str(text, "utf-8") for name, text in _headers(message) if name == _TYPE), "")


def _headers(message: Message) -> list[tuple[str, bytes]]:
    headers: Any = message.headers()
    return headers or []
