"""Lifecycles a second and what each costs, the contenders taking turns on the same servers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.floor.floor import NAME as FLOOR
from tests.bench.floor.floor import scripted
from tests.bench.floor.script import Recorder
from tests.bench.naive.contender import NAIVE
from tests.bench.report import Chapter, Table, middle, number
from tests.bench.rounds import Round


def lifecycle(bench: Bench) -> Chapter:
    """Measure every contender in turns, some rounds each: what disturbs the machine disturbs all of them."""
    sizes = bench.sizes
    recorder = Recorder(sizes.assortment)
    found: dict[str, list[Round]] = {TEKIL.name: [], NAIVE.name: [], FLOOR: []}
    for _ in range(sizes.rounds):
        for contender, count in ((TEKIL, sizes.tekil), (NAIVE, sizes.naive)):
            found[contender.name].append(bench.play(contender, bench.draw(count)))
        given = bench.draw(sizes.floor)
        with scripted(recorder, [*given.warm, *given.counted]) as floor:
            found[FLOOR].append(bench.play(floor, given))
    bench.tekil_per_second = middle(each.per_second for each in found[TEKIL.name])
    title = f"{sizes.rounds} rounds in turns, medians; {sizes.window:,} orders in flight"
    data = {name: [asdict(each) for each in rounds] for name, rounds in found.items()}
    return Chapter("lifecycle", title, _table(found), data)


def _table(found: Mapping[str, Sequence[Round]]) -> Table:
    parts = list(next(iter(found.values()))[0].cpu_ms)
    columns = ("", *found)
    rates = {name: middle(each.per_second for each in rounds) for name, rounds in found.items()}
    own = {name: middle(each.own_cpu_ms for each in rounds) for name, rounds in found.items()}
    tekil = rates[TEKIL.name]
    rows = [
        ("orders in a round", *(f"{rounds[0].orders:,}" for rounds in found.values())),
        ("lifecycles a second", *map(number, rates.values())),
        ("Tekil's rate is … times that", *(number(tekil / rate) for rate in rates.values())),
        ("cores busy, of all that there are", *(number(middle(map(_cores, rounds))) for rounds in found.values())),
        ("CPU ms of a lifecycle: services and PostgreSQL", *map(number, own.values())),
        *((f"… {part}", *(_cpu_ms(rounds, part) for rounds in found.values())) for part in parts),
    ]
    return Table(columns, tuple(rows))


def _cores(done: Round) -> float:
    """Return how many cores the round kept busy: a contender that left one idle was held up by something else."""
    return sum(done.cpu_ms.values()) / 1000 * done.per_second


def _cpu_ms(rounds: Sequence[Round], part: str) -> str:
    return number(middle(each.cpu_ms[part] for each in rounds))
