"""JSON Schemas of the events, open for readers: a field that a schema does not know is allowed and ignored."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.events.event import Event

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ORDER = ("$schema", "$id", "title", "description", "type", "properties", "required", "$defs")
"""The order of keywords in which a person reads a schema."""
LOCAL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave titles out: they would only repeat the name of the field."""
        return False

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """Describe a local time of day: JSON Schema's own format `time` demands an offset."""
        return {"type": "string", "pattern": LOCAL_TIME}

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """Keep the order in which the models say it."""
        return value


def schema_of(event: type[Event]) -> Schema:
    """Return the JSON Schema of an event's data."""
    said = event.model_json_schema(schema_generator=_Generator)
    found = said | {"$schema": DIALECT, "$id": f"urn:tekil:event:{event.TYPE}", "title": event.TYPE}
    return {keyword: found[keyword] for keyword in (*ORDER, *found) if keyword in found}
