"""How long a customer waits for an answer, and finance for a booking: at half of the peak rate, and one by one."""

from collections.abc import Iterable

from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.player import Life
from tests.bench.report import Chapter, Table, number, quantile


def latency(bench: Bench) -> Chapter:
    """Submit orders at even intervals, and read when Kafka got what follows. The first seconds do not count.

    Kafka's virtual machine compiles itself on one of the cores for as long as the load is new to it.
    """
    sizes = bench.sizes
    half = peak(bench) / 2
    data: dict[str, dict[str, float]] = {}
    with bench.at_work(TEKIL) as (_, world):
        for name, rate, count in (("half of the peak", half, int(half * sizes.paced_s)), ("one", 1.0, sizes.slow)):
            given, early = bench.draw(max(1, count)), bench.draw(int(rate * sizes.unhurried_s)).counted
            world.play(given.warm)
            world.play(early, window=len(early), per_second=rate)
            bench.settle()
            played = world.play(given.counted, window=len(given.counted), per_second=rate)
            data[name] = {"rate": rate, "orders": len(given.counted), **_times(played.lives.values())}
    rows = tuple((name, *map(number, found.values())) for name, found in data.items())
    columns = ("orders a second", *data["one"])
    return Chapter(
        "latency",
        "Milliseconds from a publication to the record that Kafka appends in the end",
        Table(columns, rows),
        data,
    )


def peak(bench: Bench) -> float:
    """Return the rate that was measured in this run, or measure it."""
    if bench.tekil_per_second is None:
        bench.tekil_per_second = bench.play(TEKIL, bench.draw(bench.sizes.tekil)).per_second
    return bench.tekil_per_second


def _times(lives: Iterable[Life]) -> dict[str, float]:
    reserved, posted = [], []
    for life in lives:
        reserved.append((life.reserved - life.submitted) * 1000)
        posted.append((life.posted - life.handed_over) * 1000)
    return {
        "submitted to reserved, p50": quantile(reserved, 50),
        "submitted to reserved, p99": quantile(reserved, 99),
        "handed over to posted, p50": quantile(posted, 50),
        "handed over to posted, p99": quantile(posted, 99),
    }
