"""`python -m shared.events.compatibility --against REF`: can readers of the schemas committed there read what we write?

And the other way round: topics keep what was written then, and a publisher may go on as it did. So a type may gain
optional fields, and nothing else about it may change. Compared is what a producer writes at most (its schema, closed)
with what a consumer must read (its schema, open).
"""

import json
import subprocess
import sys
import tarfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

from jsoncompat import check_compat

from shared.events.catalogue import CATALOGUE
from shared.events.contracts.schemas import Schema, schema_of
from shared.events.contracts.topics import ROOT

SCHEMAS = "docs/contracts/schemas"
ANNOTATIONS = ("description", "title")
UNCOMPARED = ("pattern", "format", "default")
"""What `check_compat` does not look at, though a reader reads something else by another one."""


class NoSuchRef(Exception):
    """Git does not know the ref."""


@dataclass(frozen=True, slots=True)
class _Field:
    required: bool
    schema: Schema
    """Without annotations and what is uncompared; parts are named by reference, not written out."""
    uncompared: Mapping[str, list[Any]]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what a change of a type breaks, in words; nothing where it only adds optional fields."""
    before, after = dict(_fields(old, old)), dict(_fields(new, new))
    fits = _reads(consumer=old, producer=new) and _reads(consumer=new, producer=old)
    found = [f"{path} is gone" for path in before if path not in after]
    for path, field in after.items():
        was = before.get(path)
        if was is None:
            part = path.rpartition(".")[0]
            found += [f"{path} is new and required"] if field.required and (not part or part in before) else []
        elif field.required != was.required:
            found.append(f"{path} {'became' if field.required else 'is no longer'} required")
        else:
            found += [
                f"{path} has another {word}" for word in UNCOMPARED if field.uncompared[word] != was.uncompared[word]
            ]
            found += [f"{path} takes other values"] if field.schema != was.schema and not fits else []
    return found or ([] if fits else ["old and new do not fit together"])


def broken(committed: Mapping[str, Schema]) -> list[str]:
    """Return what today's events break for readers and writers of the committed schemas, a line each."""
    found = []
    for kind, schema in committed.items():
        event = CATALOGUE.get(kind)
        found += [f"{kind}: {what}" for what in (breaks(schema, schema_of(event)) if event else ["the type is gone"])]
    return found


def committed_schemas(ref: str, checkout: Path = ROOT) -> dict[str, Schema]:
    """Return the schemas committed at a git ref, by event type; none outside git or before the first commit.

    Raises NoSuchRef for a ref that git does not know.
    """
    if _git(checkout, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return {}
    if _git(checkout, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") is None:
        raise NoSuchRef(ref)
    archive = _git(checkout, "archive", ref, SCHEMAS)
    if archive is None:
        return {}
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        contents = {each.name: files.extractfile(each) for each in files}
        return {PurePath(name).stem: json.load(content) for name, content in contents.items() if content is not None}


def _git(checkout: Path, *arguments: str) -> bytes | None:
    """Return what git prints, or None where it fails."""
    done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, check=False)  # noqa: S607
    return done.stdout if done.returncode == 0 else None


def _reads(*, consumer: Schema, producer: Schema) -> bool:
    # `check_compat` takes an `$id` for a reference to elsewhere.
    written, read = (
        {word: schema[word] for word in schema if word != "$id"} for schema in (_closed(producer), consumer)
    )
    return check_compat(json.dumps(written), json.dumps(read), "deserializer")


def _closed(node: Any) -> Any:
    """Return a schema that allows only the fields that it names."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    shut = {"additionalProperties": False} if "properties" in node and node.get("type") == "object" else {}
    return {name: _closed(each) for name, each in node.items()} | shut


def _fields(schema: Schema, root: Schema, path: str = "") -> Iterator[tuple[str, _Field]]:
    """Yield every field of an object, and of the objects in it, by its path."""
    for name, field in schema.get("properties", {}).items():
        yield (
            f"{path}{name}",
            _Field(
                required=name in schema.get("required", ()),
                schema={word: value for word, value in field.items() if word not in (*ANNOTATIONS, *UNCOMPARED)},
                uncompared={word: list(_values(word, field, root)) for word in UNCOMPARED},
            ),
        )
        yield from _fields(_resolved(field, root), root, f"{path}{name}.")
    for inner in _inner(schema):
        yield from _fields(_resolved(inner, root), root, path)


def _values(word: str, schema: Schema, root: Schema) -> Iterator[Any]:
    schema = _resolved(schema, root)
    if word in schema:
        yield schema[word]
    for inner in _inner(schema):
        yield from _values(word, inner, root)


def _inner(schema: Schema) -> Iterator[Schema]:
    """Yield the schemas of a value's choices and items."""
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(word, ())
    yield from (schema[word] for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict))


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target: Schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return target | schema


def main(arguments: Sequence[str] | None = None, checkout: Path = ROOT) -> int:
    """Compare and say what breaks; return the exit code."""
    parser = ArgumentParser(prog="python -m shared.events.compatibility", description=breaks.__doc__)
    parser.add_argument("--against", metavar="REF", default="HEAD", help="a git ref with committed schemas (HEAD)")
    ref = parser.parse_args(arguments).against
    try:
        committed = committed_schemas(ref, checkout)
    except NoSuchRef:
        sys.stderr.write(f"git knows no {ref} here: fetch it, or name another with --against\n")
        return 2
    if not committed:
        sys.stdout.write(f"no schemas are committed at {ref}: there is nothing to be compatible with\n")
        return 0
    if found := broken(committed):
        remedy = "make it optional, or publish a new type beside the old one"
        sys.stderr.write("\n".join([*found, f"that breaks readers or writers of {ref}: {remedy}", ""]))
        return 1
    sys.stdout.write(f"all {len(committed)} event types of {ref} are as they were, or only grew by optional fields\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
