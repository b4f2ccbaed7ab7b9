"""Write the table of planted bugs into docs/correctness.md: which check finds each, and after how many histories.

Example: python -m tests.simulation.proof
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.bugs import MUTANTS
from tests.simulation.campaign import stage
from tests.simulation.generate import generate
from tests.simulation.mutants import Mutant

PAGE = Path(__file__).parents[2] / "docs" / "correctness.md"
BEGIN, END = "<!-- planted bugs: generated -->\n", "<!-- end of planted bugs -->\n"
HISTORIES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Catch:
    """How a planted bug was found: by which check, in which history of the seeds from 0."""

    check: str
    histories: int


def catch(mutant: Mutant, histories_max: int = HISTORIES_MAX) -> Catch | None:
    """Plant a bug and play histories until one fails."""
    with mutant.planted():
        for seed in range(histories_max):
            if failure := stage().play(generate(seed)):
                return Catch(failure.check, seed + 1)
    return None


def is_its_own(caught: Catch | None) -> bool:
    """Say whether the history in which a bug was found is clean without it."""
    return caught is None or stage().play(generate(caught.histories - 1)) is None


def table(catches: Iterable[tuple[Mutant, Catch | None]]) -> str:
    """Return the table, as Markdown."""
    lines = ["| planted bug | what it does | found by | after histories |\n", "|---|---|---|---:|\n"]
    for mutant, caught in catches:
        check, after = (caught.check, f"{caught.histories:,}") if caught else ("**nothing**", f"{HISTORIES_MAX:,}")
        lines.append(f"| `{mutant.name}` | {mutant.says} | {check} | {after} |\n")
    return "".join(lines)


def main() -> None:
    """Find every planted bug and write the table."""
    catches = []
    for mutant in MUTANTS:
        caught = catch(mutant)
        if not is_its_own(caught):
            sys.exit(f"seed {caught.histories - 1 if caught else 0} fails without any bug: first mend that")
        catches.append((mutant, caught))
        sys.stdout.write(f"{mutant.name}: {caught}\n")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + table(catches) + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
