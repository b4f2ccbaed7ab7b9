"""The plain build is a fair one: for the same orders it comes to the same statuses, stock and books as Tekil."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

from tests.bench.contender import TEKIL, Contender, running
from tests.bench.ground import Ground
from tests.bench.naive.contender import NAIVE
from tests.bench.rounds import introduce, player
from tests.bench.world import Assortment, orders

FEW = Assortment(stores=2, skus=3, pieces_of_each=15)
"""So few pieces that the last orders are rejected."""
ORDERS = orders(40, named="same", assortment=FEW)
BOOKS = """
    SELECT order_id, entry.line_id, sku, quantity, net_minor, period, rule,
        ordinal, book, account, posting.line, counterparty, amount
    FROM {entry} AS entry JOIN {posting} AS posting USING (entry_id) ORDER BY order_id, line_id, ordinal
"""
KEPT = {
    "same_t": """
        SELECT order_id, line.line_id, line.reserved + line.picked, line.issued
        FROM reservations, jsonb_to_recordset(lines) AS line(line_id text, reserved int, picked int, issued int)
        ORDER BY order_id, line_id
    """,
    "same_n": """
        SELECT order_id, line_id, quantity * (status <> 'issued')::int, quantity * (status = 'issued')::int
        FROM reservations ORDER BY order_id, line_id
    """,
}
JOURNAL = {"same_t": ("entry", "posting"), "same_n": ("entries", "postings")}


def outcome(contender: Contender, servers: Ground) -> dict[str, list[tuple[Any, ...]]]:
    """Play the orders one after the other, so that both reject the same ones, and return what is known of them then."""
    contender.prepare(servers)
    with running(contender, servers), player(contender, servers) as world:
        introduce(world, FEW)
        world.play(ORDERS, window=1)

    def rows(service: str, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in servers.ask(contender.database(service), query)]

    entry, posting = JOURNAL[contender.name]
    return {
        "statuses": rows("order", "SELECT order_id, status FROM orders ORDER BY order_id"),
        "stock": rows("inventory", "SELECT location_id, sku, on_hand, reserved FROM stock ORDER BY location_id, sku"),
        "reservations": rows("inventory", KEPT[contender.name]),
        "books": rows("attribution", BOOKS.format(entry=entry, posting=posting)),
    }


def test_the_plain_build_comes_to_the_same_end(servers: Ground) -> None:
    tekil, naive = (outcome(each, servers) for each in (replace(TEKIL, name="same_t"), replace(NAIVE, name="same_n")))
    ended = [status for _, status in tekil["statuses"]]
    assert {"completed", "rejected"} == {*ended}
    assert len(tekil["books"]) > 40 * ended.count("completed")
    for told in tekil:
        assert naive[told] == tekil[told], told


def test_the_plain_services_use_aiokafka_as_it_is() -> None:
    program = "import sys, tests.bench.naive.__main__; print('shared.engine.fetching' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
