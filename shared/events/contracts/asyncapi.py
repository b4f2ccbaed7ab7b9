"""The AsyncAPI 3 document: channels, operations as Tekil sees them, messages and the CloudEvents envelope."""

from typing import Any

import yaml

from shared.events.contracts.envelope import CLOUDEVENT, DEAD_LETTER, Node
from shared.events.contracts.topics import Topic, first_paragraph, key_of
from shared.events.event import Event
from shared.events.samples import Envelope

SCHEMAS: Node = {"cloudevent": CLOUDEVENT, "dead-letter": DEAD_LETTER}
KAFKA = "0.5.0"
"""The version of AsyncAPI's Kafka bindings."""
DAY_MS = 86_400_000
ABOUT = """\
Tekil receives what channels, stores and master-data systems publish, and sends what it decided.

Events are CloudEvents 1.0 over Kafka in binary mode: attributes are headers, the value is the data as JSON. Structured
mode (`content-type: application/cloudevents+json`) is read too. The same `ce_source` and `ce_id` are the same event:
repeat an id to repeat an event safely. A type only ever grows by optional fields, and readers ignore fields that they
do not know. Where an installation sets a topic prefix, it goes before every address.
"""


class _Dumper(yaml.SafeDumper):
    """Writes for readers: paragraphs as blocks, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every node out where it stands."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def asyncapi(topics: list[Topic], samples: dict[str, Envelope]) -> str:
    """Return the AsyncAPI document of these topics as YAML."""
    channels, operations = {}, {}
    for topic in topics:
        channels[topic.name] = _channel(topic)
        operations[topic.name] = _operation(topic.name, "receive" if topic.received else "send")
        if topic.declared["consumed_by"]:
            name = f"{topic.name}.dlq"
            channels[name] = _dead_letters(topic)
            operations[name] = _operation(name, "send")
    messages = {event.TYPE: _message(event, samples[event.TYPE]) for topic in topics for event in topic.events}
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Tekil", "version": "1.0.0", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages | {"dead-letter": _dead_letter()}, "schemas": SCHEMAS},
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)


def _ref(path: str) -> Node:
    return {"$ref": path}


def _server() -> Node:
    return {
        "host": "{host}:{port}",
        "protocol": "kafka",
        "description": "The Kafka cluster of an installation.",
        "variables": {
            "host": {"default": "localhost", "description": "A bootstrap server."},
            "port": {"default": "9092"},
        },
    }


def _operation(channel: str, action: str) -> Node:
    return {"action": action, "channel": _ref(f"#/channels/{channel}")}


def _channel(topic: Topic) -> Node:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": topic.about,
        "messages": {event.TYPE: _ref(f"#/components/messages/{event.TYPE}") for event in topic.events},
        "bindings": {"kafka": {"partitions": topic.declared["partitions"], **_kept(topic.declared)}},
    }


def _kept(declared: Node) -> Node:
    kept: Node = {"cleanup.policy": [declared["cleanup"]]}
    if "retention_days" in declared:
        kept["retention.ms"] = declared["retention_days"] * DAY_MS
    return {"topicConfiguration": kept, "bindingVersion": KAFKA}


def _dead_letters(topic: Topic) -> Node:
    return {
        "address": f"{topic.name}.{{service}}.dlq",
        "title": f"Dead letters of {topic.name}",
        "description": "What a service could never process of this topic, as it came, with headers that say why.",
        "parameters": {"service": {"enum": topic.declared["consumed_by"], "description": "Who could not process it."}},
        "messages": {"dead-letter": _ref("#/components/messages/dead-letter")},
    }


def _message(event: type[Event], sample: Envelope) -> Node:
    return {
        "name": event.TYPE,
        "title": event.TYPE,
        "summary": first_paragraph(event),
        "headers": {
            "allOf": [_ref("#/components/schemas/cloudevent"), {"properties": {"ce_type": {"const": event.TYPE}}}]
        },
        "payload": _ref(f"./schemas/{event.TYPE}.json"),
        "examples": [{"name": event.TYPE, "payload": sample["data"]}],
        "bindings": {"kafka": {"key": {"type": "string", "description": key_of(event)}, "bindingVersion": KAFKA}},
    }


def _dead_letter() -> Node:
    return {
        "name": "dead-letter",
        "title": "A record that could not be processed",
        "headers": _ref("#/components/schemas/dead-letter"),
        "payload": {"description": "The value as it came, whatever it was."},
    }
