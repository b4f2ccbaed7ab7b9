"""The AsyncAPI project's own parser understands the document as it is meant."""

import json
from pathlib import Path

from shared.events.catalogue import CATALOGUE
from shared.events.contracts.generated import CONTRACTS
from shared.runtime.topics import load
from tests.contract.node_project import PROJECT, run_node

RECEIVED = {"tekil.channel.v1", "tekil.operations.v1", "tekil.reference.v1"}
VALIDATE = PROJECT / "validate.mjs"


def test_the_parser_finds_every_type_on_its_topic() -> None:
    done = run_node(VALIDATE, str(CONTRACTS / "asyncapi.yaml"))
    assert done.stderr == ""
    understood = json.loads(done.stdout)
    topics = {address: said for address, said in understood.items() if not address.endswith(".dlq")}
    assert topics == {
        topic: {
            "action": "receive" if topic in RECEIVED else "send",
            "messages": {
                kind: event.model_json_schema()["required"] for kind, event in CATALOGUE.items() if topic == event.TOPIC
            },
        }
        for topic in {event.TOPIC for event in CATALOGUE.values()}
    }
    assert {address: said for address, said in understood.items() if address not in topics} == {
        f"{topic.name}.{{service}}.dlq": {"action": "send", "messages": {"dead-letter": []}}
        for topic in load().topics
        if topic.consumed_by and topic.name in topics
    }


def test_the_parser_refuses_a_wrong_document(tmp_path: Path) -> None:
    wrong = tmp_path / "asyncapi.yaml"
    wrong.write_text((CONTRACTS / "asyncapi.yaml").read_text("utf-8").replace("action: receive", "action: listen"))
    done = run_node(VALIDATE, str(wrong))
    assert done.returncode == 1
    assert '"action" property must be equal to one of the allowed values' in done.stderr
