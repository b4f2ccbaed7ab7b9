"""The journal in PostgreSQL: what is booked can be asked for and explained, and nobody can bend it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.attribution import store
from services.attribution.domain.state import Holder, Share
from services.attribution.policy.document import SHIPPED, document_of
from services.attribution.service import attribution
from services.attribution.store import Booked, FlowTotal, LineSums, StockBalance, Total
from shared.engine.deciding import Rules
from shared.engine.engine import Engine
from shared.engine.message import Raw, outgoing
from shared.engine.postgres import PostgresStore
from shared.engine.tracing import Silent
from shared.events.channel import Discount
from shared.events.event import Event
from shared.events.fulfilment import FulfilmentCollected, SettledLine
from shared.events.inventory import StockMoved
from shared.events.order import OrderPlaced, PlacedLine
from shared.events.reference import AssociateDescribed, ItemDescribed, LocationDescribed, PolicyPublished
from tests.store.databases import create_tables

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SERVICE = attribution()

WEB = LocationDescribed(location_id="web", kind="online", name="Web", brand="b", cost_centre="cc-web")
STORE = LocationDescribed(
    location_id="store", kind="store", name="Store", brand="b", cost_centre="cc-store", owner_cost_centre="brand"
)
STAFF = tuple(AssociateDescribed(associate_id=name, location_id="store") for name in ("ayse", "mert"))
SHIRT = ItemDescribed(sku="shirt", name="Shirt", brand="b", standard_cost_minor=3_000, currency="EUR")
DELIVERY = StockMoved(
    location_id="store", sku="shirt", change_quantity=10, cause="received", on_hand_quantity=10, moved_at=NOON
)
MISSED = StockMoved(
    location_id="store", sku="shirt", change_quantity=-1, cause="counted", on_hand_quantity=9, moved_at=NOON
)
WEB_ORDER = OrderPlaced(
    order_id="o-web",
    channel="web",
    brand="b",
    capture_location_id="web",
    currency="EUR",
    lines=(
        PlacedLine(
            line_id="1",
            sku="shirt",
            quantity=3,
            gross_minor=12_001,
            discounts=(Discount(funder="brand", promotion="autumn", amount_minor=2_000),),
            net_minor=10_001,
            method="pickup",
            location_id="store",
        ),
    ),
    placed_at=NOON,
)
RECEIPT = OrderPlaced(
    order_id="o-till",
    channel="pos",
    brand="b",
    capture_location_id="store",
    associate_id="ayse",
    currency="EUR",
    lines=(
        PlacedLine(
            line_id="1",
            sku="shirt",
            quantity=1,
            gross_minor=4_000,
            net_minor=4_000,
            method="carry_out",
            location_id="store",
        ),
    ),
    placed_at=NOON + timedelta(minutes=1),
)
COLLECTED = FulfilmentCollected(
    order_id="o-web",
    location_id="store",
    lines=(SettledLine(line_id="1", sku="shirt", quantity=3),),
    collected_by="customer",
    associate_id="mert",
    collected_at=NOON + timedelta(hours=1),
)
IN_ORDER = (WEB, STORE, *STAFF, SHIRT, DELIVERY, MISSED, WEB_ORDER, RECEIPT, COLLECTED)


def record(event: Event, offset: int) -> Raw:
    sent = outgoing(event, event_id=f"m-{offset}", source="/test", time=NOON, cause_id="", traceparent="")
    return Raw(sent.topic, 0, offset, 0, sent.key, sent.value, sent.headers)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    await create_tables(database, store.metadata)
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:
        yield pool


async def play(pool: asyncpg.Pool, *events: Event) -> None:
    engine = Engine(
        SERVICE,
        PostgresStore(SERVICE, pool),
        clock=lambda: NOON,
        rules=Rules(parked_max_age=timedelta(days=1)),
        trace=Silent().create,
    )
    for offset, event in enumerate(events):
        [effects] = await engine.process([record(event, offset)])
        assert effects.dead == []


async def test_an_entry_explains_itself(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    [booked] = await store.entries_of_order(pool, "o-web")
    assert (booked.entry.rule, booked.entry.policy_version) == ("every-other-sale", "shipped-1")
    assert (booked.entry.quantity, booked.entry.net_minor, booked.entry.cost_minor) == (3, 10_001, 9_000)
    assert booked.entry.holders == (
        Holder("capture", "web", None),
        Holder("fulfil", "store", None),
        Holder("handover", "store", "mert"),
    )
    assert booked.entry.shares[1] == Share("trial", "capture", "web", None, 2_000, 20_002_000, 2_000)
    assert [(each.book, each.account, each.line, each.counterparty, each.amount) for each in booked.postings] == [
        ("stock", "store", "", "", -3),
        ("stock", "customer", "", "", 3),
        ("budget", "cc-web", "revenue", "", 12_001),
        ("budget", "cc-web", "discount", "brand", -2_000),
        ("budget", "customer", "customer", "", -10_001),
        ("budget", "cc-web", "cost_of_goods", "", -9_000),
        ("budget", "brand", "stock", "", 9_000),
        ("budget", "cc-web", "due_to", "brand", 9_000),
        ("budget", "brand", "due_from", "cc-web", -9_000),
        ("budget", "cc-store", "handling", "cc-web", 150),
        ("budget", "cc-web", "handling", "cc-store", -150),
        ("credit", "web", "capture", "", 4_001),
        ("credit", "web", "trial", "", 2_000),
        ("credit", "store", "fulfil", "", 2_500),
        ("credit", "store", "handover", "mert", 1_500),
    ]
    assert await store.entry_by_id(pool, booked.entry.entry_id) == booked
    assert await store.entry_by_id(pool, "none") is None


async def test_sums_are_told_by_account_holder_funder_and_flow(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    assert await store.stock_balances(pool) == [
        StockBalance("adjustment", "shirt", 1),
        StockBalance("customer", "shirt", 4),
        StockBalance("store", "shirt", 5),
        StockBalance("supplier", "shirt", -10),
    ]
    assert await store.stock_balances(pool, account="store", sku="shirt") == [StockBalance("store", "shirt", 5)]
    assert await store.stock_balances(pool, sku="shoe") == []
    assert await store.credit_totals(pool, "location") == [Total("store", "EUR", 8_000), Total("web", "EUR", 6_001)]
    assert await store.credit_totals(pool, "channel") == [Total("pos", "EUR", 4_000), Total("web", "EUR", 10_001)]
    assert await store.credit_totals(pool, "associate", period="2026-11") == [
        Total("", "EUR", 8_501),
        Total("ayse", "EUR", 4_000),
        Total("mert", "EUR", 1_500),
    ]
    assert await store.credit_totals(pool, "location", period="2026-12") == []
    assert await store.discounts_by_funder(pool) == [Total("brand", "EUR", 2_000)]
    assert await store.net_by_flow(pool) == [
        FlowTotal("carry_out", "store", "EUR", 1, 4_000),
        FlowTotal("pickup", "store", "EUR", 3, 10_001),
    ]


async def test_reconciliation_reads_the_lines_page_by_page(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    till, web = LineSums("o-till", "1", 1, 4_000, 4_000, 0, 0), LineSums("o-web", "1", 3, 10_001, 10_001, 0, 0)
    assert await store.line_sums(pool) == [till, web]
    assert await store.line_sums(pool, limit=1) == [till]
    assert await store.line_sums(pool, after=("o-till", "1")) == [web]


@pytest.mark.parametrize("events", [IN_ORDER[::-1], (COLLECTED, RECEIPT, WEB_ORDER, SHIRT, *STAFF, STORE, WEB)])
async def test_what_comes_too_early_is_booked_once_the_rest_has_come(
    pool: asyncpg.Pool, events: tuple[Event, ...]
) -> None:
    await play(pool, *events)
    assert [sums.credit_minor for sums in await store.line_sums(pool)] == [4_000, 10_001]
    assert await pool.fetchval("SELECT count(*) FROM parked") == 0


async def test_a_published_policy_holds_from_its_date(pool: asyncpg.Pool) -> None:
    document = document_of(SHIPPED.read_text()) | {"version": "ours-1", "effective_from": "2026-11-02T12:30:00Z"}
    ours = PolicyPublished(version="ours-1", effective_from=NOON + timedelta(minutes=30), document=document)
    await play(pool, ours, ours, *IN_ORDER)
    booked: list[Booked] = [
        *await store.entries_of_order(pool, "o-till"),
        *await store.entries_of_order(pool, "o-web"),
    ]
    assert [each.entry.policy_version for each in booked] == ["shipped-1", "ours-1"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO posting SELECT entry_id, 90, 'stock', 'store', '', '', 1 FROM entry",
        "INSERT INTO posting SELECT entry_id, 90, 'budget', 'cc-web', 'revenue', '', 1 FROM entry",
        "INSERT INTO posting SELECT entry_id, 90, 'credit', 'web', 'capture', '', net_minor - 1 FROM entry",
        "INSERT INTO posting VALUES ('none', 0, 'stock', 'a', '', '', 1), ('none', 1, 'stock', 'b', '', '', -1)",
    ],
)
async def test_the_database_refuses_an_entry_that_does_not_balance(pool: asyncpg.Pool, statement: str) -> None:
    await play(pool, *IN_ORDER)
    with pytest.raises(asyncpg.exceptions.CheckViolationError, match="does not balance"):
        await pool.execute(statement)
    assert await pool.fetchval("SELECT count(*) FROM posting WHERE ordinal = 90 OR entry_id = 'none'") == 0


async def test_the_database_refuses_a_booked_entry_a_second_set_of_postings(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    again = "INSERT INTO posting SELECT entry_id, {}, book, account, line, counterparty, amount FROM posting"
    with pytest.raises(asyncpg.exceptions.CheckViolationError, match="does not balance"):
        await pool.execute(again.format("ordinal + 90"))
    with pytest.raises(asyncpg.exceptions.UniqueViolationError):
        await pool.execute(again.format("ordinal"))
    with pytest.raises(asyncpg.exceptions.CheckViolationError, match="does not balance"):
        await pool.execute(f"{again.format('ordinal + 90')} WHERE book = 'stock'")
    assert await store.credit_totals(pool, "channel") == [Total("pos", "EUR", 4_000), Total("web", "EUR", 10_001)]
    assert await pool.fetchval("SELECT count(*) FROM posting WHERE ordinal >= 90") == 0


async def test_the_database_refuses_an_entry_without_postings(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    columns = ", ".join(column.name for column in store.entry.columns if column.name != "entry_id")
    with pytest.raises(asyncpg.exceptions.CheckViolationError, match="entry bare-o-till has no postings"):
        await pool.execute(
            f"INSERT INTO entry (entry_id, {columns}) SELECT 'bare-' || order_id, {columns} FROM entry"  # noqa: S608
            " WHERE order_id = 'o-till'"
        )
    assert await pool.fetchval("SELECT count(*) FROM entry") == 2


async def test_the_database_refuses_to_change_what_is_booked(pool: asyncpg.Pool) -> None:
    await play(pool, *IN_ORDER)
    for table in ("entry", "posting", "stock_entry"):
        for statement in (f"UPDATE {table} SET entry_id = entry_id", f"DELETE FROM {table}", f"TRUNCATE {table}"):  # noqa: S608
            with pytest.raises(asyncpg.exceptions.RestrictViolationError, match="never changed"):
                await pool.execute(statement)
    with pytest.raises(asyncpg.exceptions.RestrictViolationError, match="never changed"):
        await pool.execute("TRUNCATE posting, entry")
    assert await store.line_sums(pool) == [
        LineSums("o-till", "1", 1, 4_000, 4_000, 0, 0),
        LineSums("o-web", "1", 3, 10_001, 10_001, 0, 0),
    ]
