"""The engine's set-based statements, compiled once from the declared tables for asyncpg.

Each takes its rows as arrays, one a column, so that a batch of any size is one statement with one plan.
"""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Table, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import asyncpg, insert
from sqlalchemy.sql import FromClause

from shared.engine.rows import Rows

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]


def compiled(statement: Any) -> str:
    """Return a statement's text with asyncpg's `$1` parameters."""
    return str(statement.compile(dialect=_DIALECT))


def given(columns: list[Column[Any]]) -> FromClause:
    """Return `unnest($1, $2, …) AS given(a, b, …)`: rows that come as arrays."""
    arrays = [bindparam(f"given_{column.name}", type_=ARRAY(column.type)) for column in columns]
    return func.unnest(*arrays).table_valued(*[column.name for column in columns]).render_derived(name="given")


@cache
def load(rows: Rows) -> str:
    """Select the rows of the given keys, in the order of their keys, locked where the rows are."""
    table = rows.table
    keys = list(table.primary_key.columns)
    wanted = given(keys)
    matches: list[ColumnElement[bool]] = [key == wanted.c[key.name] for key in keys]
    statement = select(table).join(wanted, _all(matches)).order_by(*keys)
    return compiled(statement.with_for_update(of=table) if rows.locked else statement)


@cache
def save(rows: Rows) -> str:
    """Insert or update the given rows, each only where its version follows on the one in the table."""
    table = rows.table
    columns = list(table.columns)
    new = given(columns)
    statement = insert(table).from_select([c.name for c in columns], select(*[new.c[c.name] for c in columns]))
    keys = list(table.primary_key.columns)
    return compiled(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={c.name: statement.excluded[c.name] for c in columns if not c.primary_key},
            where=table.c.version == statement.excluded.version - literal_column("1"),
        )
    )


@cache
def claim(inbox: Table) -> str:
    """Put the given ids into the inbox and return those that are new."""
    columns = list(inbox.columns)
    ids = given(columns)
    rows = select(*[ids.c[c.name] for c in columns])
    statement = insert(inbox).from_select([c.name for c in columns], rows).on_conflict_do_nothing()
    return compiled(statement.returning(inbox.c.source, inbox.c.id))


@cache
def digests(inbox: Table) -> str:
    """Select the digests of the given ids."""
    ids = given([inbox.c.source, inbox.c.id])
    here = _all([inbox.c.source == ids.c.source, inbox.c.id == ids.c.id])
    return compiled(select(inbox.c.source, inbox.c.id, inbox.c.digest).join(ids, here))


@cache
def put_deadlines(deadlines: Table) -> str:
    """Set the given deadlines, in place of those of the same name and key."""
    columns = list(deadlines.columns)
    new = given(columns)
    statement = insert(deadlines).from_select([c.name for c in columns], select(*[new.c[c.name] for c in columns]))
    return compiled(
        statement.on_conflict_do_update(
            index_elements=[deadlines.c.name, deadlines.c.key],
            set_={name: statement.excluded[name] for name in ("due_at", "message_id", "traceparent")},
        )
    )


@cache
def drop_deadlines(deadlines: Table, *, by: tuple[str, ...] = ("name", "key")) -> str:
    """Delete the given deadlines, where they are still as given in the columns `by`, and return which."""
    old = given([deadlines.c[name] for name in by])
    same = _all([deadlines.c[name] == old.c[name] for name in by])
    return compiled(deadlines.delete().where(same).returning(deadlines.c.name, deadlines.c.key))


def _all(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    first, *others = conditions
    for each in others:
        first = first & each
    return first
