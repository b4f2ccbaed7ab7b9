"""SQL stands in the stores, their migrations and the engine, where it is tested against a database."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, modules

AT_HOME = re.compile(r"services/\w+/(store\.py|migrations/.+)|shared/engine/.+")
EXCEPTIONS = {
    # create_databases: before a database is there it has no store.
    "shared/runtime/postgres.py": ["SELECT", "CREATE DATABASE"],
}
STATEMENT = re.compile(
    r"\s*(SELECT|WITH \w+|INSERT INTO|UPDATE \w+|DELETE FROM|TRUNCATE|COPY|LOCK TABLE|(?:CREATE|ALTER|DROP) [A-Z]+)\b"
)


def sql(source: Source) -> Iterator[str]:
    """Yield how each SQL statement begins that a module holds, and each import of what makes SQL."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(text)) if begins := STATEMENT.match(text):
                yield begins[1]
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.split(".")[0] in ("sqlalchemy", "alembic"))
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in ("sqlalchemy", "alembic"):
                yield module


def test_sql_stands_in_stores_migrations_and_the_engine() -> None:
    away = {source.path: list(sql(source)) for source in modules() if not AT_HOME.fullmatch(source.path)}
    assert {path: found for path, found in away.items() if found} == EXCEPTIONS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('fetch("SELECT 1")', ["SELECT"]),
        ('fetch(f"DELETE FROM {table}")', ["DELETE FROM"]),
        ('QUERY = """\n  WITH late AS (SELECT 1) SELECT 2"""', ["WITH late"]),
        ("def late():\n    from sqlalchemy.orm import Session", ["sqlalchemy.orm"]),
        ("import sqlalchemy as sa", ["sqlalchemy"]),
        ('"""Update what is shown, select nothing."""', []),
    ],
)
def test_sql_elsewhere_is_seen(text: str, found: list[str]) -> None:
    assert list(sql(Source("services/mesh.py", text))) == found
