"""The bench works, and what it shows is what it measured. How fast anything is, no test asks."""

import json
import os
from pathlib import Path

import pytest

from services.registry import NAMES
from shared.engine.statements import opening, together
from tests.bench.__main__ import CHAPTERS
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL
from tests.bench.ground import Ground, ground
from tests.bench.hot import TOO_LATE
from tests.bench.lifecycle import lifecycle
from tests.bench.proc import children
from tests.bench.profiling import kind_of
from tests.bench.report import Chapter, Table, middle, quantile, write
from tests.bench.sampled import OTHER, layer_of
from tests.bench.sizes import TINY
from tests.bench.world import HOT, LINES, SPREAD, orders
from tests.store.tally import TALLY


@pytest.fixture(scope="module")
def bench(servers: Ground) -> Bench:
    """A run of tiny sizes: one, since it is told once of a world what can be promised of it."""
    return Bench(servers, TINY)


def test_every_order_of_every_contender_comes_to_its_end_and_its_cost_is_told(bench: Bench) -> None:
    chapter = lifecycle(bench)
    assert {name: [done["orders"] for done in rounds] for name, rounds in chapter.data.items()} == {
        "tekil": [TINY.tekil],
        "naive": [TINY.naive],
        "floor": [TINY.floor],
    }
    parts = ["order", "inventory", "fulfilment", "returns", "attribution", "Kafka", "PostgreSQL", "driver"]
    assert [[*rounds[0]["cpu_ms"]] for rounds in chapter.data.values()] == [parts] * 3

    def rows(contender: str, query: str) -> int:
        return int(bench.ground.ask(f"{contender}_attribution", query)[0][0])

    assert rows("tekil", "SELECT count(*) FROM entry") == LINES * (TINY.tekil + TINY.warm_up)
    assert rows("naive", "SELECT count(*) FROM entries") == LINES * (TINY.naive + TINY.warm_up)
    assert rows("floor", "SELECT count(*) FROM entry") == LINES * (TINY.floor + TINY.warm_up)
    assert rows("floor", "SELECT count(*) FROM posting") == rows("tekil", "SELECT count(*) FROM posting")


def test_each_service_weighs_what_docker_compose_gives_it(bench: Bench) -> None:
    steps = dict.fromkeys(NAMES, 9) | {"order": 0, "inventory": 0}
    with bench.at_work(TEKIL) as (team, _):
        sessions = {name: session for name, [session] in team.pids.items()}
        services = {name: min(children(session)) for name, session in sessions.items()}
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert {name: os.getpriority(os.PRIO_PROCESS, service) - ours for name, service in services.items()} == steps
        groups = {name: Path(f"/proc/{service}/autogroup") for name, service in services.items()}
        found = {name: int(group.read_text().split()[-1]) for name, group in groups.items() if group.exists()}
        assert found in (steps, {})


@pytest.mark.skipif(os.environ.get("TEKIL_TEST_BENCH") != "all", reason="a minute: TEKIL_TEST_BENCH=all runs it")
def test_every_chapter_finds_its_numbers(bench: Bench) -> None:
    found = {name: CHAPTERS[name](bench) for name in CHAPTERS if name != "lifecycle"}
    assert [each.name for each in found.values()] == [*found]
    assert [row[0] for row in found["latency"].table.rows] == ["half of the peak", "one"]
    assert found["hot-sku"].data["late_orders_rejected"] == TOO_LATE
    assert [*found["members"].data] == ["1", "2"]
    assert [*found["growth"].data] == [f"{TINY.stored[0]}"]
    [copied] = bench.ground.ask("tekil_order", "SELECT count(*) FROM orders WHERE order_id LIKE '%~%'")
    assert copied[0] == TINY.stored[0] - TINY.grown // 2
    assert found["restart"].data["waiting"] == TINY.waiting
    [placed] = bench.ground.ask("restarted_order", "SELECT count(*) FROM orders")
    assert placed[0] == TINY.waiting


def test_a_bench_without_durability_does_not_begin() -> None:
    with pytest.raises(AssertionError, match="what is not durable is not measured"), ground({"fsync": "off"}):
        pass


def test_orders_are_the_same_for_the_same_seed() -> None:
    def values(named: str, seed: int) -> list[bytes | None]:
        return [each.submitted.value for each in orders(20, named=named, seed=seed)]

    assert values("a", 1) == values("a", 1)
    assert values("a", 1) != values("a", 2)
    assert len({each.store for each in orders(100, named="a")}) == SPREAD.stores
    assert {each.store for each in orders(100, named="a", assortment=HOT)} == {"store-00"}


def test_a_stack_belongs_to_the_first_layer_that_fits() -> None:
    loop = ("asyncio/runners.py", "run")
    engine = ("shared/engine/engine.py", "_attempt")
    assert layer_of([loop]) == OTHER
    assert layer_of([engine, loop]) == "engine"
    assert layer_of([("shared/engine/columns.py", "outbox_row"), engine, loop]) == "outbox"
    assert layer_of([("uuid.py", "new"), ("shared/engine/deciding.py", "answer"), engine, loop]) == "decide"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO outbox (topic) SELECT $1", "INSERT INTO outbox"),
        ("SELECT orders.order_id \nFROM orders JOIN unnest($1)", "SELECT FROM orders"),
        ("\n    WITH oldest AS (SELECT found.id\n FROM unnest($1)) SELECT * FROM parked", "SELECT FROM parked"),
        ("DELETE FROM outbox WHERE id = ANY($1)", "DELETE FROM outbox"),
        (opening(TALLY.metadata.tables["inbox"], "SELECT $1", TALLY.rows[:2]), "claim, look, load"),
        (together(("INSERT INTO orders (order_id) SELECT $1 RETURNING true",)), "save"),
        ("COMMIT;", "COMMIT"),
    ],
)
def test_statements_are_told_in_short(statement: str, kind: str) -> None:
    assert kind_of(statement) == kind


def test_a_table_goes_between_its_markers(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- rates: generated -->\nold\n<!-- end of rates -->\nafter\n")
    chapter = Chapter("rates", "Rates", Table(("", "a second"), (("tekil", "250"),)))
    write([chapter], {"seed": "1", "cores": "2"}, document)
    assert document.read_text() == (
        "before\n<!-- rates: generated -->\nRates. Run seed 1, cores 2.\n\n"
        "|  | a second |\n| --- | ---: |\n| tekil | 250 |\n<!-- end of rates -->\nafter\n"
    )
    with pytest.raises(ValueError, match="has no place for lost"):
        write([Chapter("lost", "Lost", chapter.table)], {}, document)


def test_medians_and_quantiles() -> None:
    assert middle([3, 1, 2]) == 2
    assert quantile(range(1, 101), 50) == 50
    assert quantile(range(1, 101), 99) == 99
    assert quantile([7], 99) == 7
    assert json.dumps(middle([1, 2])) == "1.5"
