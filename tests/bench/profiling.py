"""Where the time of a lifecycle goes: by layer in the services, by statement in PostgreSQL, and Kafka's."""

import json
import os
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from services.registry import NAMES
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL, Contender, Team
from tests.bench.ground import Ground, ground
from tests.bench.proc import children, cpu_s, tree
from tests.bench.report import Chapter, Table
from tests.bench.rounds import KAFKA, POSTGRES, Round, measure
from tests.bench.sizes import Sizes

PROFILE = "profile"
SHOWN_MIN_MS = 0.03

EVERY_STATEMENT = {
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "0",
    "log_line_prefix": "[%d] ",
    "log_checkpoints": "off",
}
"""PostgreSQL logs each statement with its time, and the database before it; parameters stay out."""
_ENTRY = re.compile(r"^\[(\w*)\] LOG:  duration: ([\d.]+) ms  (?:parse|bind|execute|statement)[^:]*: (.*)", re.DOTALL)
_MADE_UP = (("WITH claim AS", "claim, look, load"), ("WITH write_0 AS", "save"))
"""How the two statements begin that a batch mostly is (`statements.opening`, `statements.together`)."""
_TARGETS = (
    re.compile(r"^\s*(INSERT INTO|DELETE FROM|UPDATE)\s+(\w+)", re.IGNORECASE),
    re.compile(r"^\s*(?:WITH|SELECT)\b.*?(FROM)\s+(?!unnest)(\w+)", re.IGNORECASE | re.DOTALL),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of a lifecycle: in a layer of a service, or in a statement of its database."""

    layer: str
    service: str
    """Empty for what all share."""
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A round, and its costs: they add up to what the round used without the driver."""

    round: Round
    costs: tuple[Cost, ...]
    functions: Mapping[str, float]
    """CPU milliseconds of the functions that were running, over all services."""


def profile(sizes: Sizes, facts: dict[str, str]) -> Chapter:
    """Play orders to five services that look at themselves, on a PostgreSQL that tells of every statement."""
    with tempfile.TemporaryDirectory(prefix="tekil-profile-") as folder, ground(EVERY_STATEMENT) as servers:
        facts.update(servers.facts)
        found = _profile(Bench(servers, sizes), _sampled(Path(folder)), Path(folder))
    title = f"CPU milliseconds of a lifecycle, over {found.round.orders:,} of them; they add up to the whole"
    return Chapter(PROFILE, title, _table(found), asdict(found))


def _table(found: Profile) -> Table:
    """Return a row for each layer and statement, a column for each service, sums at both ends."""
    cells: dict[str, Counter[str]] = {}
    for cost in found.costs:
        cells.setdefault(cost.layer, Counter())[cost.service] += cost.cpu_ms  # type: ignore[assignment]
    shown = {layer: of for layer, of in cells.items() if of.total() >= SHOWN_MIN_MS}
    rest: Counter[str] = Counter()
    for layer in cells.keys() - shown.keys():
        rest.update(cells[layer])
    total: Counter[str] = Counter()
    for of in cells.values():
        total.update(of)
    named = [*sorted(shown.items(), key=lambda item: -item[1].total()), (f"each below {SHOWN_MIN_MS}", rest)]
    rows = [_row(layer, of, total.total()) for layer, of in [*named, ("whole", total)]]
    return Table(("CPU ms", *NAMES, "all", "share"), tuple(rows))


def _row(layer: str, of: Counter[str], whole: float) -> tuple[str, ...]:
    by_service = (f"{of[name]:.3f}" if of[name] else "" for name in NAMES)
    return layer, *by_service, f"{of.total():.3f}", f"{of.total() / whole:.1%}"


def _sampled(folder: Path) -> Contender:
    def command(service: str) -> list[str]:
        return [sys.executable, "-m", "tests.bench.sampled", service, str(folder / f"{service}.json")]

    return replace(TEKIL, command=command)


def _profile(bench: Bench, contender: Contender, folder: Path) -> Profile:
    servers, given = bench.ground, bench.draw(bench.sizes.profiled)
    with bench.at_work(contender) as (team, world):
        world.play(given.warm)
        bench.settle()
        log = _log_of(servers)
        begins, before = log.stat().st_size, _by_database(servers)
        for pid in _services(team):
            os.kill(pid, signal.SIGUSR1)
        done = measure(team, world, given.counted, window=bench.sizes.window)
        after = _by_database(servers)
        statements = _statements(log, begins)
    sampled = {service: json.loads((folder / f"{service}.json").read_text()) for service in NAMES}
    databases = {name: (after[name] - before.get(name, 0.0)) * 1000 / done.orders for name in after}
    costs = [*_services_costs(done, sampled), *_database_costs(done, databases, statements)]
    costs.append(Cost(KAFKA, "", done.cpu_ms[KAFKA]))
    functions: Counter[str] = Counter()
    for service, counts in sampled.items():
        for function, spent in _shared(counts["functions"], done.cpu_ms[service]).items():
            functions[function] += spent  # type: ignore[assignment]
    return Profile(done, tuple(sorted(costs, key=lambda each: -each.cpu_ms)), dict(functions.most_common(30)))


def _services(team: Team) -> Iterator[int]:
    """Yield the services' own processes, each below the shell that holds it."""
    for shells in team.pids.values():
        for shell in shells:
            yield min(children(shell))


def _services_costs(done: Round, sampled: Mapping[str, Mapping[str, dict[str, int]]]) -> Iterator[Cost]:
    for service, counts in sampled.items():
        for layer, cpu_ms in _shared(counts["layers"], done.cpu_ms[service]).items():
            yield Cost(layer, service, cpu_ms)


def _database_costs(
    done: Round, databases: Mapping[str, float], statements: Mapping[str, Mapping[str, float]]
) -> Iterator[Cost]:
    """Yield a backend's CPU by its statements' share of the time; what no database names is the server's own."""
    known = 0.0
    for service in NAMES:
        name = TEKIL.database(service)
        known += databases.get(name, 0.0)
        for statement, cpu_ms in _shared(statements.get(name, {}), databases.get(name, 0.0)).items():
            yield Cost(f"{POSTGRES}: {statement}", service, cpu_ms)
    yield Cost(f"{POSTGRES}: write-ahead log, checkpoints, vacuum", "", done.cpu_ms[POSTGRES] - known)


def _shared(counts: Mapping[str, float], whole: float) -> dict[str, float]:
    """Share a whole out by counts."""
    total = sum(counts.values()) or 1
    return {name: whole * count / total for name, count in counts.items()}


def _log_of(servers: Ground) -> Path:
    [data] = servers.ask("postgres", "SHOW data_directory")
    return Path(data[0]).parent / "postgres.log"


def _by_database(servers: Ground) -> Counter[str]:
    """Return the CPU seconds of PostgreSQL's living backends by database."""
    spent: Counter[str] = Counter()
    for pid in tree(servers.postgres_pid):
        try:
            title = Path(f"/proc/{pid}/cmdline").read_text()
        except FileNotFoundError:
            continue
        # postgres: USER DATABASE HOST(PORT) STATE
        if found := re.match(r"postgres: \w+ (\w+) [\d.]+\(", title):
            spent[found[1]] += cpu_s(pid)  # type: ignore[assignment]
    return spent


def _statements(log: Path, begins: int) -> dict[str, Counter[str]]:
    """Return the milliseconds of each kind of statement by database, as logged from a position on."""
    found: dict[str, Counter[str]] = {}
    with log.open("rb") as file:
        file.seek(begins)
        text = file.read().decode(errors="replace")
    for entry in re.split(r"\n(?=\[)", text):
        if match := _ENTRY.match(entry):
            database, milliseconds, statement = match.groups()
            found.setdefault(database, Counter())[kind_of(statement)] += float(milliseconds)  # type: ignore[assignment]
    return found


def kind_of(statement: str) -> str:
    """Return a statement in short: what it does, and to which table."""
    for begins, what in _MADE_UP:
        if statement.lstrip().startswith(begins):
            return what
    for pattern in _TARGETS:
        if match := pattern.match(statement):
            verb = "SELECT FROM" if match[1].upper() == "FROM" else match[1].upper()
            return f"{verb} {match[2]}"
    return statement.split(maxsplit=1)[0].rstrip(";").upper()
