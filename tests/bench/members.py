"""More processes for the service that works hardest: they share its partitions."""

from collections.abc import Mapping

from services.registry import NAMES
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.report import Chapter, Table, number
from tests.bench.rounds import Round


def members(bench: Bench) -> Chapter:
    """Measure with one member of each service, then with more of the one that used most CPU time."""
    sizes = bench.sizes
    alone = _played(bench, {})
    busiest = max(NAMES, key=alone.cpu_ms.__getitem__)
    found = {1: alone} | {count: _played(bench, {busiest: count}) for count in sizes.members}
    rows = tuple(
        (f"{count}", number(done.per_second), number(done.own_cpu_ms), number(done.cpu_ms[busiest]))
        for count, done in found.items()
    )
    columns = (f"members of {busiest}", "lifecycles a second", "CPU ms of a lifecycle", f"… of {busiest}")
    data = {f"{count}": {"per_second": done.per_second, "cpu_ms": dict(done.cpu_ms)} for count, done in found.items()}
    return Chapter("members", f"{sizes.shared:,} orders; all members share the cores", Table(columns, rows), data)


def _played(bench: Bench, wanted: Mapping[str, int]) -> Round:
    return bench.play(TEKIL, bench.draw(bench.sizes.shared), members=wanted)
