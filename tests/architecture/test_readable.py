"""A function fits a screen, a file fits a head, and every module says what it is for."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, modules

FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400


def complaints(source: Source) -> Iterator[str]:
    """Yield what makes a module hard to read."""
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield f"{source.path} has {lines} lines"
    if not ast.get_docstring(source.tree):
        yield f"{source.path} does not say what it is for"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{source.path}: {node.name} has {lines} lines"


def test_every_module_is_short_and_says_what_it_is_for() -> None:
    assert [each for source in modules() for each in complaints(source)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""Says."""' + "\n" * 399 + "last = 1", []),
        ('"""Says."""' + "\n" * 400 + "last = 1", ["made_up.py has 401 lines"]),
        ("first = 1", ["made_up.py does not say what it is for"]),
        ('"""Says."""\ndef does():\n' + "    1\n" * 49, []),
        ('"""Says."""\nasync def does():\n' + "    1\n" * 50, ["made_up.py: does has 51 lines"]),
        ('"""Says."""\nclass One:\n  def does():\n' + "    1\n" * 50, ["made_up.py: does has 51 lines"]),
    ],
)
def test_what_is_hard_to_read_is_seen(text: str, found: list[str]) -> None:
    assert list(complaints(Source("made_up.py", text))) == found
