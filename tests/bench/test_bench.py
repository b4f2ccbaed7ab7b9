"""The bench works, and what it shows is what it measured. How fast anything is, no test asks."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.bench import Bench
from tests.bench.ground import ground
from tests.bench.lifecycle import lifecycle
from tests.bench.profiling import kind_of
from tests.bench.report import Chapter, Table, middle, quantile, write
from tests.bench.sampled import OTHER, layer_of
from tests.bench.sizes import TINY
from tests.bench.world import HOT, SPREAD, orders


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A run of tiny sizes, on servers of its own: a bench never shares them."""
    with ground() as servers:
        yield Bench(servers, TINY)


def test_every_order_comes_to_its_end_and_its_cost_is_told(bench: Bench) -> None:
    chapter = lifecycle(bench)
    [done] = chapter.data["tekil"]
    assert done["orders"] == TINY.tekil
    assert [*done["cpu_ms"]] == [
        *("order", "inventory", "fulfilment", "returns", "attribution"),
        *("Kafka", "PostgreSQL", "driver"),
    ]
    assert min(done["cpu_ms"].values()) > 0
    [booked] = bench.ground.ask("tekil_attribution", "SELECT count(DISTINCT order_id), count(*) FROM entry")
    assert booked[1] == 3 * booked[0]


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
    assert layer_of([("shared/engine/postgres.py", "_outbox_row"), engine, loop]) == "outbox"
    assert layer_of([("uuid.py", "new"), ("shared/engine/deciding.py", "answer"), engine, loop]) == "decide"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO outbox (topic) SELECT $1", "INSERT INTO outbox"),
        ("SELECT orders.order_id \nFROM orders JOIN unnest($1)", "SELECT FROM orders"),
        ("\n    WITH oldest AS (SELECT found.id\n FROM unnest($1)) SELECT * FROM parked", "SELECT FROM parked"),
        ("DELETE FROM outbox WHERE id = ANY($1)", "DELETE FROM outbox"),
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
        "before\n<!-- rates: generated -->\nRates. On seed 1, cores 2.\n\n"
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
