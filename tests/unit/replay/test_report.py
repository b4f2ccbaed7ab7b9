"""The report: nothing that was counted is left out, on a page that needs nothing else."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from io import StringIO
from typing import get_args

import pytest
from rich.console import Console

from services.attribution.store import DayTotal, FlowTotal, RoleCredit, Total
from services.reconcile import Reconciliation
from services.replay.dataset import Flaw
from services.replay.ledger import Fate
from services.report.charts import nice
from services.report.html import Markup, element
from services.report.page import page
from services.report.ranking import Ranked, ranking
from services.report.report import Counted, Refusals, Report, Speed
from services.report.stream import Branch, Leaf, stream
from services.report.tables import tables
from services.report.words import FATES, amount, fate

REPORT = Report(
    data_set="The Complete Journey",
    seed=7,
    baskets=31,
    lines=(
        Counted("till", "completed", "", 2_001),
        Counted("web", "completed", "", 302),
        Counted("web", "rejected", "stock-unavailable", 23),
        Counted("none", "not_sent", "quantity-zero", 14),
    ),
    orders=(
        Counted("till", "completed", "", 25),
        Counted("web", "completed", "", 5),
        Counted("web", "rejected", "stock-unavailable", 1),
    ),
    refusals=(Refusals("handover.refused", "wrong-code", 3),),
    dead_letters={"schema-violation": 4},
    messages=12_345,
    speed=Speed(elapsed_s=2.0, orders_per_s=15.5, lines_per_s=1_170.0, messages_per_s=6_172.5),
    currency="USD",
    net_by_day=(
        DayTotal(date(2017, 1, 2), "carry_out", "USD", 80_001),
        DayTotal(date(2017, 1, 2), "pickup", "USD", 20_002),
        DayTotal(date(2017, 1, 3), "carry_out", "USD", 5),
    ),
    net_by_store=(
        FlowTotal("carry_out", "store-408", "USD", 2_001, 80_006),
        FlowTotal("pickup", "store-408", "USD", 302, 20_002),
    ),
    discounts=(Total("manufacturer", "USD", 99), Total("retailer", "USD", 1_234)),
    credit=(RoleCredit("web", "capture", "USD", 12_001), RoleCredit("store-408", "fulfil", "USD", 88_007)),
    associates=(Total("", "USD", 20_002), Total("store-408-a1", "USD", 80_006)),
    drift=Reconciliation(stock_rows=17, order_lines=2_303),
)


class Reading(HTMLParser):
    """Checks that elements close in order, and keeps what a page says and asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asks_for: list[str] = []
        self.says = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.asks_for += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.says += data


@pytest.fixture(scope="module")
def read() -> Reading:
    reading = Reading()
    reading.feed(page(REPORT))
    assert reading.open == []
    return reading


def test_the_page_asks_for_nothing(read: Reading) -> None:
    text = page(REPORT)
    assert read.asks_for == []
    assert "<script" not in text
    assert not re.search(r"https?:|url\(|@import", text)


@pytest.mark.parametrize(
    "said",
    [
        "31 baskets through Tekil",
        "seed 7, 2 January 2017 to 3 January 2017",
        "2,340 lines read",
        "2,001 carried out of a store",
        "302 collected in a store",
        "23 turned down, out of stock",
        "14 quantity 0, nothing sold",
        "2,340 lines were read and 31 orders made of them: 30 completed, 1 rejected.",
        "1,000.08",
        "800.06",
        "12.34",
        "handover: wrong code: 3",
        "dead letter: schema violation: 4",
        "order: stock unavailable: 1",
        "17 stock rows and 2,303 order lines compared",
        "12,345 messages in 2.0 s",
    ],
)
def test_the_page_says_what_was_counted(read: Reading, said: str) -> None:
    assert said in read.says


def test_the_page_of_nothing_is_a_page() -> None:
    nothing = replace(
        REPORT, lines=(), orders=(), refusals=(), dead_letters={}, net_by_day=(), net_by_store=(), credit=(),
        discounts=(), associates=(),
    )  # fmt: skip
    reading = Reading()
    reading.feed(page(nothing))
    assert reading.open == []
    assert "Nothing was read." in reading.says
    assert "Nothing was refused." in reading.says


def test_names_cannot_break_the_page() -> None:
    evil = replace(REPORT, discounts=(Total("<script>alert(1)</script>", "USD", 1),))
    assert "<script" not in page(evil)
    assert element("p", 'a "b" <c>', title='"<d>') == '<p title="&quot;&lt;d&gt;">a "b" &lt;c&gt;</p>'
    assert element("p", Markup("<b>bold</b>"), hidden=None) == "<p><b>bold</b></p>"


def test_the_tables_say_it_too() -> None:
    console = Console(width=140, record=True, file=StringIO())
    console.print(tables(REPORT))
    shown = console.export_text()
    for said in ("zero drift", "1,000.08 USD net", "2,340", "schema violation", "wrong code", "880.07", "no person"):
        assert said in shown


def test_programs_get_all_of_it() -> None:
    told = REPORT.as_json()
    assert (told["lines_read"], told["orders_sent"], told["net_minor"], told["zero_drift"]) == (
        2_340,
        31,
        100_008,
        True,
    )
    assert told["credit"][0] == {"location_id": "web", "role": "capture", "currency": "USD", "amount_minor": 12_001}


def test_every_flaw_of_a_line_is_worded() -> None:
    assert {Fate("none", "not_sent", flaw) for flaw in get_args(Flaw)} <= FATES.keys()


def test_a_fate_without_words_is_said_by_its_slug() -> None:
    assert fate(Counted("web", "rejected", "pickup-not-possible-there", 1)) == "rejected pickup not possible there"


def test_the_largest_are_named_and_the_rest_are_one() -> None:
    amounts = [(f"store-{number}", part, number) for number in range(1, 6) for part in ("a", "b")]
    top = ranking(amounts, top=2)
    assert top == [
        Ranked("store-5", {"a": 5, "b": 5}),
        Ranked("store-4", {"a": 4, "b": 4}),
        Ranked("3 more", {"a": 6, "b": 6}, is_rest=True),
    ]
    assert sum(each.total for each in top) == 30
    assert len(ranking(amounts, top=4)) == 5


@pytest.mark.parametrize(("amount", "scale"), [(0, 10), (10, 10), (11, 12), (1_385_000, 1_600_000), (801, 1_000)])
def test_a_scale_ends_where_its_quarters_are_round(amount: int, scale: int) -> None:
    assert nice(amount) == scale


def test_a_stream_is_as_wide_at_its_end_as_at_its_source() -> None:
    branches = [
        Branch("at the till", "till", (Leaf("carried out", 900, "till"),)),
        Branch("on the web", "web", (Leaf("collected", 99, "web"), Leaf("lost", 1, "lost"))),
    ]
    node = re.compile(r'<rect x="(?P<x>[^"]+)" .*?height="(?P<height>[^"]+)".*?<title>(?P<name>[^<]+)')
    found = node.finditer(stream("lines", branches))
    heights = {(each["name"], each["x"]): float(each["height"]) for each in found}
    ends = {name: height for (name, x), height in heights.items() if float(x) > 90}
    assert ends == {"carried out": 270.0, "collected": 29.7, "lost": 2.0}
    assert heights["lines", "0"] == pytest.approx(sum(ends.values()))


@pytest.mark.parametrize(("minor", "shown"), [(0, "0.00 USD"), (-1_000_100, "-10,001.00 USD"), (7, "0.07 USD")])
def test_amounts_are_written_exactly(minor: int, shown: str) -> None:
    assert amount(minor, "USD") == shown
