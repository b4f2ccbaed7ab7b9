"""`python -m tests.bench [CHAPTER…]`: measure Tekil, a plain build of the same, and the least work that there is.

Without a chapter, all but the profile are measured. `--write docs/performance.md` puts the tables into that document.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.bench.bench import Bench
from tests.bench.ground import ground
from tests.bench.growth import growth
from tests.bench.hot import hot_sku
from tests.bench.latency import latency
from tests.bench.lifecycle import lifecycle
from tests.bench.members import members
from tests.bench.profiling import PROFILE, profile
from tests.bench.report import Chapter, show, write
from tests.bench.restart import restart
from tests.bench.sizes import FULL, QUICK, Sizes
from tests.bench.world import SEED

CHAPTERS: Mapping[str, Callable[[Bench], Chapter]] = {
    "lifecycle": lifecycle,
    "latency": latency,
    "hot-sku": hot_sku,
    "members": members,
    "growth": growth,
    "restart": restart,
}
MILLION = 1_000_000
console = Console(highlight=False)


def main() -> None:
    """Run the chapters that were asked for."""
    asked = _arguments()
    wanted = [*asked.chapters, *(asked.only or ())] or [*CHAPTERS]
    facts = {"at": datetime.now(UTC).isoformat(timespec="minutes"), "seed": str(SEED)}
    sizes = QUICK if asked.quick else FULL
    if asked.million:
        sizes = replace(sizes, stored=(*sizes.stored, MILLION))
    chapters = run(wanted, sizes, facts)
    if asked.write:
        write(chapters, facts, asked.write)
    if asked.json:
        found = {each.name: {"title": each.title, **each.data} for each in chapters}
        asked.json.write_text(json.dumps({"facts": facts, **found}, indent=1) + "\n")


def run(wanted: list[str], sizes: Sizes, facts: dict[str, str]) -> list[Chapter]:
    """Measure and print chapter by chapter; `facts` learns on what."""
    chapters = []
    measured = [name for name in wanted if name != PROFILE]
    if measured:
        with ground() as servers:
            facts.update(servers.facts)
            console.print(", ".join(f"{name} {value}" for name, value in facts.items()), end="\n\n")
            bench = Bench(servers, sizes)
            for name in measured:
                chapters.append(CHAPTERS[name](bench))
                show(chapters[-1], console)
    if PROFILE in wanted:
        chapters.append(profile(sizes, facts))
        show(chapters[-1], console)
    return chapters


def _arguments() -> argparse.Namespace:
    names = [*CHAPTERS, PROFILE]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=sys.modules[__name__].__doc__)
    parser.add_argument("chapters", nargs="*", type=_chapter, metavar="CHAPTER", help=", ".join(names))
    parser.add_argument("--only", nargs="+", type=_chapter, metavar="CHAPTER", help="the same as naming them")
    parser.add_argument("--quick", action="store_true", help="small sizes: two minutes, and rough numbers")
    parser.add_argument("--million", action="store_true", help="let the growth go on to a million stored orders")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where every number goes")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="a document with places for the tables")
    return parser.parse_args()


def _chapter(name: str) -> str:
    """Check a name; argparse's own choices would refuse that none is given."""
    if name not in (*CHAPTERS, PROFILE):
        raise argparse.ArgumentTypeError(f"there is no chapter {name}")
    return name


if __name__ == "__main__":
    main()
