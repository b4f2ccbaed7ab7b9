"""What becomes of the rate, of memory and of tables when very many orders are there already.

A hundred thousand lifecycles take minutes, so some are played and their rows are copied under other ids, in every
table and its indexes. Only stock is not moved by copies: its books do not fit then, which nothing here looks at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.registry import NAMES
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.ground import Ground
from tests.bench.proc import resident_mb
from tests.bench.report import Chapter, Table, number
from tests.bench.rounds import POSTGRES, measure

MB = 2**20
COPIED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "order": (("orders", "order_id", "order_id LIKE $1"),),
    "inventory": (
        ("reservations", "order_id", "order_id LIKE $1"),
        ("movements", "movement_id message_id order_id", "order_id LIKE $1"),
    ),
    "fulfilment": (("fulfilment", "order_id", "order_id LIKE $1"),),
    "returns": (("purchase", "order_id", "order_id LIKE $1"),),
    "attribution": (
        ("sale", "order_id", "order_id LIKE $1"),
        ("entry", "entry_id cause_id order_id", "order_id LIKE $1"),
        ("posting", "entry_id", "entry_id IN (SELECT entry_id FROM entry WHERE order_id LIKE $1)"),
    ),
}
"""By service: table, the columns that hold ids, and which rows are of the orders that are copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What was found beside so many stored orders."""

    stored: int
    per_second: float
    own_cpu_ms: float
    """Of a lifecycle, in the services and PostgreSQL."""
    postgres_cpu_ms: float
    memory_mb: Mapping[str, float]
    """Of each service after the round."""
    inbox_mb: float
    outbox_mb: float
    tables_mb: float
    """All tables of all services with their indexes, the two included."""


def growth(bench: Bench) -> Chapter:
    """Store more and more orders, and measure beside them."""
    found = []
    stored = 0
    for step in bench.sizes.stored:
        stored += _store(bench, step - stored)
        found.append(_beside(bench, stored))
    columns = ("stored orders", *(f"{each.stored:,}" for each in found))
    rows = [
        ("lifecycles a second", *(number(each.per_second) for each in found)),
        ("CPU ms of a lifecycle: services and PostgreSQL", *(number(each.own_cpu_ms) for each in found)),
        ("… PostgreSQL", *(number(each.postgres_cpu_ms) for each in found)),
        *((f"memory of {name}, MB", *(number(each.memory_mb[name]) for each in found)) for name in NAMES),
        ("inboxes, MB", *(number(each.inbox_mb) for each in found)),
        ("outboxes, MB", *(number(each.outbox_mb) for each in found)),
        ("all tables and indexes, MB", *(number(each.tables_mb) for each in found)),
    ]
    data = {
        f"{each.stored}": {
            "per_second": each.per_second,
            "own_cpu_ms": each.own_cpu_ms,
            "postgres_cpu_ms": each.postgres_cpu_ms,
            "memory_mb": dict(each.memory_mb),
            "inbox_mb": each.inbox_mb,
            "outbox_mb": each.outbox_mb,
            "tables_mb": each.tables_mb,
        }
        for each in found
    }
    title = f"{bench.sizes.grown:,} orders played beside those stored; sizes after VACUUM"
    return Chapter("growth", title, Table(columns, tuple(rows)), data)


def _store(bench: Bench, wanted: int) -> int:
    """Play some orders and copy them until at least so many more are stored; return how many they are."""
    ground, count = bench.ground, min(wanted, bench.sizes.grown // 2)
    given, copies = bench.draw(count), max(0, -(-wanted // count) - 1)
    with bench.at_work(TEKIL) as (_, world):
        [since] = ground.ask("postgres", "SELECT now()")
        world.play(given.counted, window=bench.sizes.window)
    for service in NAMES:
        database = TEKIL.database(service)
        copied = [
            (_copy(ground, database, table, ids.split(), condition), f"{given.named}-%", copies)
            for table, ids, condition in COPIED[service]
        ]
        inbox = _copy(ground, database, "inbox", ["id"], "received_at >= $1"), since[0], copies
        # In one transaction: an entry without its postings is refused.
        ground.tell(database, [*copied, inbox])
    return count * (copies + 1)


def _copy(ground: Ground, database: str, table: str, ids: Sequence[str], condition: str) -> str:
    """Return a statement that copies rows $2 times; constraints and triggers see to the copies as to any row."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
    columns = [row[0] for row in ground.ask(database, f"{query} ORDER BY attnum", table)]
    taken = ", ".join(f"{column} || '~' || copy" if column in ids else column for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - tables and columns of our own
        f" SELECT {taken} FROM {table} CROSS JOIN generate_series(1, $2::int) AS copy WHERE {condition}"
    )


def _beside(bench: Bench, stored: int) -> Grown:
    ground, given = bench.ground, bench.draw(bench.sizes.grown)
    with bench.at_work(TEKIL) as (team, world):
        world.play(given.warm)
        bench.settle()
        done = measure(team, world, given.counted, window=bench.sizes.window)
        memory_mb = {name: sum(map(resident_mb, pids)) for name, pids in team.pids.items()}
    for name in NAMES:
        ground.ask(TEKIL.database(name), "VACUUM")
    return Grown(
        stored=stored,
        per_second=done.per_second,
        own_cpu_ms=done.own_cpu_ms,
        postgres_cpu_ms=done.cpu_ms[POSTGRES],
        memory_mb=memory_mb,
        inbox_mb=_size_mb(ground, "inbox"),
        outbox_mb=_size_mb(ground, "outbox"),
        tables_mb=_size_mb(ground, "%"),
    )


def _size_mb(ground: Ground, tables: str) -> float:
    query = "SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_stat_user_tables WHERE relname LIKE $1"
    return float(sum(ground.ask(TEKIL.database(name), query, tables)[0][0] for name in NAMES)) / MB
