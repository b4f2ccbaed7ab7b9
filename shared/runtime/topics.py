"""The topics that `deploy/kafka/topics.yaml` declares, and the one command that creates them."""

import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from pydantic import BaseModel, ConfigDict, Field, model_validator

DECLARED_IN_CHECKOUT = Path(__file__).parents[2] / "deploy" / "kafka" / "topics.yaml"
DECLARED_IN_WHEEL = Path(sysconfig.get_path("data")) / "share" / "tekil" / "topics.yaml"

ADMIN_TIMEOUT_S = 30.0
MS_PER_DAY = 24 * 60 * 60 * 1000
BROKER_DEFAULT = -1
NO_LOG = 0
"""librdkafka writes past our logs; what went wrong is in the exception."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]*$")]


class Storage(BaseModel):
    """How a topic keeps its records: compacted, or deleted after `retention_days`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: Annotated[int, Field(ge=1)]
    cleanup: Literal["delete", "compact"]
    retention_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _retention_fits_cleanup(self) -> Self:
        if (self.cleanup == "delete") != (self.retention_days is not None):
            raise ValueError("retention_days belongs to cleanup: delete, and only there")
        return self

    @property
    def configuration(self) -> dict[str, str]:
        """The topic's settings in Kafka's own words."""
        if self.retention_days is None:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * MS_PER_DAY)}


class Topic(Storage):
    """A topic, and the services that consume it."""

    name: Name
    consumed_by: tuple[Name, ...] = ()


class Declaration(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[Topic, ...]
    dead_letters: Storage

    def all_topics(self) -> tuple[Topic, ...]:
        """Every topic to create: those named, and one of dead letters for each pair of topic and consumer."""
        storage = self.dead_letters.model_dump()
        return self.topics + tuple(
            Topic(name=dead_letter_topic(topic.name, service), **storage)
            for topic in self.topics
            for service in topic.consumed_by
        )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting of an existing topic that is not as declared; we report it and leave it alone."""

    topic: str
    setting: str
    declared: str
    actual: str


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What `apply` did and found; a topic that differs is in `existing` too."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    differences: tuple[Difference, ...]


def dead_letter_topic(topic: str, service: str) -> str:
    """Where `service` puts what it can never process from `topic`."""
    return f"{topic}.{service}.dlq"


def load(path: Path | None = None) -> Declaration:
    """The declaration at `path`, by default the one that came with Tekil; raises pydantic's ValidationError."""
    found = path or (DECLARED_IN_CHECKOUT if DECLARED_IN_CHECKOUT.exists() else DECLARED_IN_WHEEL)
    return Declaration.model_validate(yaml.safe_load(found.read_text()))


def apply(bootstrap: str, *, prefix: str = "", topics: Sequence[Topic] | None = None) -> Applied:
    """Create each declared topic that the cluster lacks, its name after `prefix`.

    Safe to repeat and to race. What exists is compared, never changed: a partition count moves keys, a shorter
    retention deletes. Raises KafkaException when the cluster does not answer or refuses.
    """
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": NO_LOG})
    declared = {prefix + topic.name: topic for topic in topics or load().all_topics()}
    partitions = {
        name: len(found.partitions) for name, found in client.list_topics(timeout=ADMIN_TIMEOUT_S).topics.items()
    }
    existing = {name: topic for name, topic in declared.items() if name in partitions}
    created = _create(client, {name: topic for name, topic in declared.items() if name not in partitions})
    return Applied(
        created=created,
        existing=tuple(existing),
        differences=(*_partition_differences(existing, partitions), *_setting_differences(client, existing)),
    )


def _create(client: AdminClient, missing: dict[str, Topic]) -> tuple[str, ...]:
    if not missing:
        return ()
    requested = [
        NewTopic(name, topic.partitions, replication_factor=BROKER_DEFAULT, config=topic.configuration)
        for name, topic in missing.items()
    ]
    created = []
    for name, answer in client.create_topics(requested, operation_timeout=ADMIN_TIMEOUT_S).items():
        try:
            answer.result()
        except KafkaException as error:
            # Someone else created it between our look and now: that is what we wanted.
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise
        else:
            created.append(name)
    return tuple(created)


def _partition_differences(existing: dict[str, Topic], partitions: dict[str, int]) -> list[Difference]:
    return [
        Difference(topic=name, setting="partitions", declared=str(topic.partitions), actual=str(partitions[name]))
        for name, topic in existing.items()
        if partitions[name] != topic.partitions
    ]


def _setting_differences(client: AdminClient, existing: dict[str, Topic]) -> list[Difference]:
    if not existing:
        return []
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in existing]
    # The client keeps the time, so that a Kafka which does not answer is a KafkaException like any other.
    answers = client.describe_configs(asked, request_timeout=ADMIN_TIMEOUT_S)
    actual = {resource.name: answer.result() for resource, answer in answers.items()}
    return [
        Difference(topic=name, setting=setting, declared=value, actual=actual[name][setting].value)
        for name, topic in existing.items()
        for setting, value in topic.configuration.items()
        if actual[name][setting].value != value
    ]
