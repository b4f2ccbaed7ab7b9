"""The page that describes a service's HTTP to people: made of its OpenAPI, with no script and nothing from afar."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = (
    "body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:#1c1c1c}"
    "h2{margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}"
    "td{padding:.2rem 1.5rem .2rem 0;vertical-align:top}table{margin:.5rem 0}code{font-size:.95em}"
)
# The browser is told to load and run nothing but this style.
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy that the page is served with."""

Described = Mapping[str, Any]
"""A part of an OpenAPI document."""


def page(described: Described) -> str:
    """Return the page of an OpenAPI document, as HTML."""
    info = described["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style>",
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>",
        "<p>For programs: <a href=openapi.json>openapi.json</a></p>",
    ]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            parts += _operation(f"{method.upper()} {path}", operation)
    for name, schema in described["components"]["schemas"].items():
        parts += _schema(name, schema)
    return "\n".join(parts)


def _operation(title: str, operation: Described) -> Iterator[str]:
    yield f"<h2><code>{escape(title)}</code></h2>"
    yield f"<p><b>{escape(operation['summary'])}</b><br>{escape(operation.get('description', ''))}</p>"
    yield "<table>"
    for each in operation.get("parameters", ()):
        needed = "" if each["required"] else ", may be left out"
        yield _row(each["name"], f"in the {each['in']}{needed}", _type(each["schema"]), each.get("description", ""))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield _row("body", escape(kind), _type(content["schema"]), content["schema"].get("description", ""))
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {"": {"schema": {}}}).items():
            yield _row(f"answers {status}", escape(kind), _type(content.get("schema", {})), answer["description"])
    yield "</table>"


def _schema(name: str, schema: Described) -> Iterator[str]:
    yield f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{escape(schema.get("description", ""))}</p><table>'
    for field, described in schema.get("properties", {}).items():
        yield _row(field, _type(described), described.get("description", ""))
    yield "</table>"


def _row(name: str, *cells: str) -> str:
    """Return a row of a table. The last cell is text; those before it are HTML."""
    *marked, text = cells
    return f"<tr><td><code>{escape(name)}</code>{''.join(f'<td>{cell}' for cell in marked)}<td>{escape(text)}"


def _type(schema: Described) -> str:
    """Return what a value is, in HTML: a link where it is a thing with a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return escape(", ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or {})}"
    return escape(schema.get("format") or str(schema.get("const", schema.get("type", ""))))
