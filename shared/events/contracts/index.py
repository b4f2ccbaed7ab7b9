"""The index of the contracts: one line an event type."""

from shared.events.contracts.topics import Topic, first_paragraph, key_of
from shared.events.event import Event

HEAD = """\
# Contracts

What Tekil and the world around it say to each other. Generated from `shared/events` by `make contracts`; do not edit
by hand. New here? [Publish your first order](publish-your-first-order.md).

- Every event is a [CloudEvent](https://cloudevents.io) on Kafka in binary mode; [asyncapi.yaml](asyncapi.yaml)
  describes topics, headers and keys.
- Each type has a JSON Schema (2020-12) of its data and a sample of the whole event in structured mode. The samples tell
  one story.
- A type only ever grows by optional fields; whatever would break a reader is a new type. Readers ignore fields that
  they do not know.
- Kafka keys: `{order_id}` stands for the field's value; `ce_subject` repeats the key.
- A business "no" is an event with a reason: [all of them, and what to do](refusals.md).
- What can never be processed goes to `<topic>.<service>.dlq`, with `tekil_dlq_*` headers that say why.
"""
COLUMNS = "| type | topic | key | published by | what it says | |\n|---|---|---|---|---|---|\n"


def index(topics: list[Topic]) -> str:
    """Return the index as Markdown."""
    return f"{HEAD}\n{COLUMNS}" + "".join(_row(topic, event) for topic in topics for event in topic.events)


def _row(topic: Topic, event: type[Event]) -> str:
    key = key_of(event).replace("|", r"\|")
    links = f"[schema](schemas/{event.TYPE}.json), [sample](samples/{event.TYPE}.json)"
    cells = (f"`{event.TYPE}`", f"`{topic.name}`", f"`{key}`", topic.publisher, first_paragraph(event), links)
    return f"| {' | '.join(cells)} |\n"
