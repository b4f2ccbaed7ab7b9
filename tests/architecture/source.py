"""What the rules of this folder look at: the modules of the product, and every text of the project."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("services", "shared")
PROJECT = (*PRODUCT, "tests", "docs", "deploy")


@dataclass(frozen=True)
class Source:
    """A file by its path in the project, or one that a test makes up."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, where it is Python."""
        return ast.parse(self.text)


def modules() -> Iterator[Source]:
    """Return every module of the product."""
    return (source for source in texts(PRODUCT) if source.path.endswith(".py"))


def texts(folders: tuple[str, ...] = PROJECT) -> Iterator[Source]:
    """Return every file of these folders, and those that lie beside them; what tools leave there is not ours."""
    within = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    for path in sorted([*ROOT.glob("[!.]*"), *within]):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in name:
            yield Source(name, path.read_text("utf-8", errors="replace"))
