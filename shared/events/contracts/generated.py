"""Every contract file, made from the event models."""

import json
from pathlib import Path
from typing import Any

from shared.events.catalogue import CATALOGUE
from shared.events.contracts.asyncapi import asyncapi
from shared.events.contracts.index import index
from shared.events.contracts.refusals import refusals
from shared.events.contracts.schemas import schema_of
from shared.events.contracts.topics import ROOT, Incomplete, topics
from shared.events.samples import STORY, read_samples

CONTRACTS = ROOT / "docs/contracts"
RECORD = "python -m tests.contract.story"


def stale(contracts: Path = CONTRACTS) -> dict[Path, str | None]:
    """Return the files that differ from what is generated, with their right text, or None for one too many."""
    wanted = {contracts / name: text for name, text in generated().items()}
    found = {*contracts.glob("schemas/*"), *contracts.glob("samples/*")}
    differing = {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}
    return differing | dict.fromkeys(sorted(found - wanted.keys()))


def generated(told: Path = STORY) -> dict[str, str]:
    """Return the text of every contract file by its path below docs/contracts.

    Raises Incomplete that names what is missing: a type without a sample or a docstring, an undeclared topic.
    """
    samples = read_samples(told)
    for kind, event in CATALOGUE.items():
        if kind not in samples:
            raise Incomplete(f"{kind} has no sample: make it happen in {told.name} and run `{RECORD}`")
        if not event.__doc__:
            raise Incomplete(f"{kind} has no docstring: say in {event.__module__} what it means")
    spoken = list(topics())
    return {
        "README.md": index(spoken),
        "refusals.md": refusals(),
        "asyncapi.yaml": asyncapi(spoken, samples),
        **{f"schemas/{kind}.json": _json(schema_of(event)) for kind, event in CATALOGUE.items()},
        **{f"samples/{kind}.json": _json(samples[kind]) for kind in CATALOGUE},
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
