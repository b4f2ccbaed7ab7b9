"""How the rows of a table and the values of a domain become each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec
from sqlalchemy import ARRAY, Table
from sqlalchemy.dialects.postgresql import JSONB

from shared.kernel.value import Value, fields

Key = str | tuple[str, ...]
"""A text, or a tuple of texts where the primary key has several columns."""


@dataclass(frozen=True)
class Rows:
    """A table and the kind of value that its rows are.

    A column is filled from the attribute of its name, so that a property of the value may be stored too, for people
    who query. A row becomes a value again from the columns that are fields of it.
    """

    table: Table
    kind: type[Value]
    append_only: bool = False
    """Rows are written once and never read by a decision: journals."""
    locked: bool = True
    """Rows that many decisions only read (reference data) are not locked; `version` still guards their writers."""

    def __post_init__(self) -> None:
        if not self.append_only and "version" not in self.table.c:
            raise TypeError(f"{self.table.name} needs a version column: it guards against lost updates")
        if any(isinstance(column.type, ARRAY) for column in self.table.columns):
            raise TypeError(f"{self.table.name} has a column of arrays: rows come as arrays already; take JSONB")

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    def columns(self) -> list[str]:
        """The names of the columns that a value fills, in the table's order; `version` is the engine's."""
        return [column.name for column in self.table.columns if column.name != "version"]

    def key_columns(self) -> list[str]:
        """The names of the primary key's columns."""
        return [column.name for column in self.table.primary_key.columns]


class Codec:
    """Turns values of one kind into column values and back, as fast as Python can."""

    def __init__(self, rows: Rows) -> None:
        hints = get_type_hints(rows.kind)
        documents = {column.name for column in rows.table.columns if isinstance(column.type, JSONB)}
        self.columns = rows.columns()
        self.key_of = attrgetter(*rows.key_columns())
        self._columns_of = attrgetter(*self.columns)
        self._documents = [self.columns.index(name) for name in self.columns if name in documents]
        self._fields = fields(rows.kind)
        self._decoders = {name: msgspec.json.Decoder(hints[name]).decode for name in self._fields if name in documents}
        self._encode = msgspec.json.Encoder().encode
        self._kind = rows.kind

    def to_row(self, value: Any) -> Sequence[Any]:
        """Return the column values of a value."""
        row = list(self._columns_of(value))
        for index in self._documents:
            row[index] = self._encode(row[index]).decode()
        return row

    def to_value(self, record: Any) -> Any:
        """Return the value of a row."""
        given = {name: record[name] for name in self._fields}
        for name, decode in self._decoders.items():
            given[name] = decode(given[name])
        return self._kind(**given)
