"""The engine's set-based statements, compiled once from the declared tables for asyncpg.

Each takes its rows as arrays, one a column, so that a batch of any size is one statement with one plan.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Select, Table, any_, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import Insert, asyncpg, insert
from sqlalchemy.sql import FromClause

from shared.engine.rows import Rows

_PARAMETER = re.compile(r"\$(\d+)")
_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]


def compiled(statement: Any) -> str:
    """Return a statement's text with asyncpg's `$1` parameters."""
    return str(statement.compile(dialect=_DIALECT))


def given(columns: list[Column[Any]]) -> FromClause:
    """Return `unnest($1, $2, …) AS given(a, b, …)`: rows that come as arrays."""
    arrays = [bindparam(f"given_{column.name}", type_=ARRAY(column.type)) for column in columns]
    return func.unnest(*arrays).table_valued(*[column.name for column in columns]).render_derived(name="given")


def filled(table: Table) -> list[Column[Any]]:
    """Return the columns that a new row is given: all but those that PostgreSQL counts by itself."""
    return [column for column in table.columns if column.identity is None]


def insert_given(table: Table) -> Insert:
    """Return a statement that inserts rows that come as arrays."""
    columns = filled(table)
    names, new = [column.name for column in columns], given(columns)
    return insert(table).from_select(names, select(*[new.c[name] for name in names]))


@cache
def load(rows: Rows) -> str:
    """Select the rows of the given keys, in the order of their keys, locked where the rows are."""
    table = rows.table
    return compiled(_each(list(table.primary_key.columns), list(table.columns), locked=rows.locked))


@cache
def save(rows: Rows) -> str:
    """Insert or update the given rows, each only where its version follows on the one in the table.

    Return one row for each that was written.
    """
    table = rows.table
    statement = insert_given(table)
    return compiled(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key},
            where=table.c.version == statement.excluded.version - literal_column("1"),
        ).returning(true())
    )


@cache
def append(table: Table) -> str:
    """Insert the given rows, and return one for each."""
    return compiled(insert_given(table).returning(true()))


@cache
def together(writes: tuple[str, ...]) -> str:
    """Return one statement that carries out several, and says of each how many rows it returned.

    Parameters are numbered on from write to write. None sees what another writes. PostgreSQL carries them out in this
    order, though it does not promise to: nothing but the order of locks may depend on it.
    """
    parts = [f"write_{number} AS ({write})" for number, write in enumerate(_renumbered(writes))]
    counts = [f"(SELECT count(*) FROM write_{number})" for number in range(len(writes))]  # noqa: S608 - numbers only
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _renumbered(statements: Iterable[str]) -> Iterator[str]:
    """Yield statements whose parameters are numbered on from one to the next."""
    before = 0
    for statement in statements:
        yield _PARAMETER.sub(partial(_moved, by=before), statement)
        before += max(int(match[1]) for match in _PARAMETER.finditer(statement))


def _moved(parameter: re.Match[str], *, by: int) -> str:
    return f"${int(parameter[1]) + by}"


@cache
def claim(inbox: Table) -> str:
    """Put the given ids into the inbox and return those that are new."""
    statement = insert_given(inbox).on_conflict_do_nothing()
    return compiled(statement.returning(inbox.c.source, inbox.c.id))


@cache
def opening(inbox: Table, look: str, loads: tuple[Rows, ...]) -> str:
    """Return one statement that claims ids, looks whether all is clear where each is new, and then loads rows.

    It gives one row: the sources and ids that are new; whether all are and nothing is in the way, so that rows were
    loaded; and each column of the rows, as an array. `$1` are the sources that are claimed, since the claim comes
    first. Where it waited for a claim for longer than a second, nothing is loaded: it sees what was there when it
    began. Each load refers to the count of the one before it, which is never below zero, so that rows are locked table
    by table.
    """
    claiming, looking, *loading = _renumbered([claim(inbox), look, *map(load, loads)])
    columns, parts, before = ["claimed.sources", "claimed.ids", "look.may_load"], [], "look.may_load"
    for number, (rows, statement) in enumerate(zip(loads, loading, strict=True)):
        arrays = [f"array_agg(found.{column.name}) AS {column.name}" for column in rows.table.columns]
        counted = f"counted_{number}"
        load_all = f"SELECT {', '.join(arrays)}, count(*) AS {counted} FROM ({statement}) AS found WHERE {before}"  # noqa: S608
        parts.append(f"CROSS JOIN LATERAL ({load_all}) AS load_{number}")
        columns += [f"load_{number}.{column.name}" for column in rows.table.columns]
        before = f"look.may_load AND load_{number}.{counted} >= 0"
    return f"""
        WITH claim AS ({claiming})
        SELECT {", ".join(columns)}
        FROM (
            SELECT array_agg(source) AS sources, array_agg(id) AS ids,
                count(*) = cardinality($1) AND clock_timestamp() < statement_timestamp() + interval '1 s' AS are_new
            FROM claim
        ) AS claimed
        CROSS JOIN LATERAL (SELECT claimed.are_new AND ({looking}) AS may_load OFFSET 0) AS look
        {" ".join(parts)}
    """  # noqa: S608 - declared names only


@cache
def digests(inbox: Table) -> str:
    """Select the digests of the given ids."""
    return compiled(_each([inbox.c.source, inbox.c.id], [inbox.c.source, inbox.c.id, inbox.c.digest], locked=False))


@cache
def put_deadlines(deadlines: Table) -> str:
    """Set the given deadlines, in place of those of the same name and key."""
    statement = insert_given(deadlines)
    return compiled(
        statement.on_conflict_do_update(
            index_elements=[deadlines.c.name, deadlines.c.key],
            set_={name: statement.excluded[name] for name in ("due_at", "message_id", "traceparent")},
        ).returning(true())
    )


@cache
def drop_deadlines(deadlines: Table, *, by: tuple[str, ...] = ("name", "key")) -> str:
    """Delete the given deadlines, where they are still as given in the columns `by`, and return which.

    One that another transaction sets anew meanwhile stays, as if it had been set afterwards.
    """
    place: ColumnElement[Any] = literal_column(f"{deadlines.name}.ctid")
    found = _each([deadlines.c[name] for name in by], [place.label("place")], locked=True).scalar_subquery()
    gone = deadlines.delete().where(place == any_(func.array(found)))
    return compiled(gone.returning(deadlines.c.name, deadlines.c.key))


def _each(by: list[Column[Any]], columns: Sequence[ColumnElement[Any]], *, locked: bool) -> Select[Any]:
    """Select columns of the rows that have the given values in the columns `by`, in the order of these values.

    Each is looked up by itself: OFFSET keeps PostgreSQL from making a join of the subquery, which it may turn round, to
    read a whole table, or index, that it believes to be empty (decision 0021). And by its primary key: no index serves
    IS NOT DISTINCT FROM.
    """
    unordered = given(by)
    wanted = select(unordered).order_by(*unordered.c).subquery("wanted")
    same = [
        column == wanted.c[column.name] if column.primary_key else column.is_not_distinct_from(wanted.c[column.name])
        for column in by
    ]
    one = select(*columns).where(*same).offset(literal_column("0"))
    found = (one.with_for_update() if locked else one).lateral("found")
    return select(found).select_from(wanted.join(found, true()))
