"""`python -m shared.events.contracts` writes docs/contracts; with `--check` it only says whether that is stale."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from shared.events.contracts.generated import stale
from shared.events.contracts.topics import ROOT, Incomplete


def write(path: Path, text: str | None) -> None:
    """Write a contract file, or remove one that is too many."""
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Write or check; return the exit code."""
    parser = ArgumentParser(prog="python -m shared.events.contracts", description="Generate docs/contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    only_check = parser.parse_args().check
    try:
        differing = stale()
    except (Incomplete, ValueError) as error:
        sys.stderr.write(f"cannot generate the contracts: {error}\n")
        return 1
    for path, text in differing.items():
        if not only_check:
            write(path, text)
        sys.stdout.write(f"{'stale' if only_check else 'written'}: {path.relative_to(ROOT)}\n")
    if only_check and differing:
        sys.stderr.write("docs/contracts is stale: run `make contracts` and commit what it wrote\n")
    return int(only_check and bool(differing))


if __name__ == "__main__":
    sys.exit(main())
