"""Who may import whom: the contracts of pyproject.toml hold, and each of them would notice."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PRODUCT, ROOT, Source, modules

LINTER = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
NAMES = {contract["id"]: contract["name"] for contract in CONTRACTS}
OF_A_DOMAIN = ("shared.kernel", "shared.events")

PLANTED = [
    ("services-apart", "services/returns/store.py", "import services.order.domain.state"),
    ("shared-below", "shared/engine/simulation.py", "import services.report.words"),
    ("shared-layers", "shared/kernel/ids.py", "import shared.events.event"),
    ("shared-layers", "shared/runtime/logs.py", "import shared.engine.tracing"),
    ("service-layers", "services/returns/store.py", "import services.returns.service"),
    ("service-layers", "services/returns/service.py", "import services.returns.http"),
    ("domain-pure", "services/order/domain/place.py", "import shared.runtime.settings"),
    ("domain-pure", "services/order/domain/place.py", "import httpx"),
    ("sql-in-stores", "services/order/service.py", "import asyncpg"),
]


def lint(tree: Path) -> tuple[int, set[str]]:
    """Return the exit status of the linter in a tree, and the names of the contracts that are broken there."""
    done = subprocess.run(
        [LINTER, "--no-cache", "--no-logo"], cwd=tree, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, set(re.findall("^(.+) BROKEN$", done.stdout, re.MULTILINE))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PRODUCT:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_import_law_holds() -> None:
    assert lint(ROOT) == (0, set())


def test_each_contract_is_seen_broken_below() -> None:
    assert {contract for contract, _, _ in PLANTED} == NAMES.keys()


@pytest.mark.parametrize(("contract", "path", "line"), PLANTED)
def test_an_import_against_the_law_breaks_its_contract(copy: Path, contract: str, path: str, line: str) -> None:
    with (copy / path).open("a") as module:
        module.write(f"\n{line}\n")
    assert lint(copy) == (1, {NAMES[contract]})


def foreign(source: Source) -> Iterator[str]:
    """Yield what a domain imports that is neither its own, nor the kernel's or the events', nor Python's."""
    own = source.path.rpartition("/")[0].replace("/", ".")
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                found = [each.name for each in names]
            case ast.ImportFrom(module=str(module), level=0):
                found = [module]
            case _:
                continue
        for name in found:
            allowed = name.split(".")[0] in sys.stdlib_module_names or f"{name}.".startswith(
                tuple(f"{each}." for each in (own, *OF_A_DOMAIN))
            )
            if not allowed:
                yield f"{source.path}:{node.lineno} imports {name}"


def test_a_domain_imports_the_kernel_the_events_and_python_alone() -> None:
    domains = [source for source in modules() if "/domain/" in source.path]
    assert len({source.path.split("/")[1] for source in domains}) == 5
    assert [each for source in domains for each in foreign(source)] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import shared.kernel.money, datetime", []),
        ("from services.order.domain.state import Order", []),
        ("from services.order.store import orders", ["imports services.order.store"]),
        ("def late():\n    import msgspec", ["imports msgspec"]),
        ("import shared.eventsourcing", ["imports shared.eventsourcing"]),
    ],
)
def test_what_a_domain_may_not_import_is_seen(line: str, found: list[str]) -> None:
    seen = foreign(Source("services/order/domain/place.py", line))
    assert [each.partition(" ")[2] for each in seen] == found
