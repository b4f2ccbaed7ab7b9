"""The tables of attribution, the walls around its journal, and the questions that people ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Literal, cast

import asyncpg
from sqlalchemy import DDL, BigInteger, CheckConstraint, Column, DateTime, Integer, SmallInteger, Table, Text, event
from sqlalchemy.dialects.postgresql import JSONB

from services.attribution.domain.policy import Policies
from services.attribution.domain.state import Associate, Entry, EntryPosting, Item, Location, Sale, StockEntry
from shared.engine.rows import Codec, Rows
from shared.engine.tables import service_metadata

metadata = service_metadata()

location = Table(
    "location",
    metadata,
    Column("location_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("cost_centre", Text, nullable=False),
    Column("owner_cost_centre", Text, nullable=False, comment="who owns the stock that is kept here"),
    Column("time_zone", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("standard_cost_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("standard_cost_minor >= 0", name="cost_not_negative"),
)

associate = Table(
    "associate",
    metadata,
    Column("associate_id", Text, primary_key=True),
    Column("location_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("name", Text, primary_key=True),
    Column("versions", JSONB, nullable=False),
    Column("version", Integer, nullable=False, comment="of the row, as everywhere; the policies' own are in versions"),
)

sale = Table(
    "sale",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("capture_location_id", Text, nullable=False),
    Column("associate_id", Text),
    Column("currency", Text, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("recognised", BigInteger, nullable=False, comment="pieces that have become final"),
    Column("version", Integer, nullable=False),
    CheckConstraint("recognised BETWEEN 0 AND quantity", name="recognised_within_quantity"),
)

entry = Table(
    "entry",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("cause_id", Text, nullable=False, comment="the message that it follows from"),
    Column("order_id", Text, nullable=False, index=True),
    Column("line_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("flow", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("capture_location_id", Text, nullable=False),
    Column("fulfil_location_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("cost_minor", BigInteger, comment="null: the standard cost is in another currency and was not booked"),
    Column("recognised_at", DateTime(timezone=True), nullable=False),
    Column("period", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("holders", JSONB, nullable=False, comment="who played which role"),
    Column("shares", JSONB, nullable=False, comment="which role's portion went to whom, exact and rounded"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("period ~ '^[0-9]{4}-[0-9]{2}$'", name="period_is_a_month"),
    comment="One row a recognition. Never changed: a correction is another entry.",
)

posting = Table(
    "posting",
    metadata,
    # No foreign key: entry_balances refuses a posting without its entry, in one look a statement instead of one a row.
    Column("entry_id", Text, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True),
    Column("book", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("counterparty", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("book IN ('stock', 'budget', 'credit')", name="known_book"),
    CheckConstraint("amount <> 0", name="amount_not_zero"),
    comment="The postings of the entries in every book. Never changed.",
)

stock_entry = Table(
    "stock_entry",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("cause_id", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("source_account", Text, nullable=False),
    Column("target_account", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("source_account <> target_account", name="goes_somewhere"),
    comment="Stock that moved without an order, from one account to another: balanced by its shape. Never changed.",
)

ROWS = (
    Rows(sale, Sale),
    Rows(location, Location, locked=False),
    Rows(item, Item, locked=False),
    Rows(associate, Associate, locked=False),
    Rows(policies, Policies, locked=False),
    Rows(entry, Entry, append_only=True),
    Rows(posting, EntryPosting, append_only=True),
    Rows(stock_entry, StockEntry, append_only=True),
)

WALLS = (
    # A statement that posts begins at ordinal 0, so the primary key refuses an entry a second set of postings, even one
    # that another transaction writes at the same time: the sums of the fresh rows are those of the entry.
    """
    CREATE OR REPLACE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong text;
    BEGIN
        SELECT sums.entry_id INTO wrong
        FROM (
            SELECT entry_id, min(ordinal) AS beginning,
                coalesce(sum(amount) FILTER (WHERE book = 'stock'), 0) AS stock,
                coalesce(sum(amount) FILTER (WHERE book = 'budget'), 0) AS budget,
                coalesce(sum(amount) FILTER (WHERE book = 'credit'), 0) AS credit
            FROM fresh GROUP BY entry_id) AS sums LEFT JOIN entry USING (entry_id)
        WHERE beginning <> 0 OR stock <> 0 OR budget <> 0 OR credit IS DISTINCT FROM entry.net_minor LIMIT 1;
        IF FOUND THEN RAISE check_violation USING
            MESSAGE = 'entry ' || wrong || ' does not balance', CONSTRAINT = 'entry_balances',
            HINT = 'All its postings come in one statement, from ordinal 0.';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER entry_balances AFTER INSERT ON posting
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION entry_balances()
    """,
    """
    CREATE OR REPLACE FUNCTION entry_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM posting WHERE entry_id = NEW.entry_id) THEN RAISE check_violation USING
            MESSAGE = 'entry ' || NEW.entry_id || ' has no postings', CONSTRAINT = 'entry_is_posted';
        END IF;
        RETURN NULL;
    END $$
    """,
    # Postings follow their entry, so only the end of the transaction can tell; there PostgreSQL asks a row at a time.
    """
    CREATE CONSTRAINT TRIGGER entry_is_posted AFTER INSERT ON entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_is_posted()
    """,
    """
    CREATE OR REPLACE FUNCTION journal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE restrict_violation
        USING MESSAGE = 'a journal is never changed: correct it by another entry', CONSTRAINT = 'journal_is_final';
    END $$
    """,
    *(
        f"""
        CREATE OR REPLACE TRIGGER journal_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name}
        FOR EACH STATEMENT EXECUTE FUNCTION journal_is_final()
        """
        for table in (entry, posting, stock_entry)
    ),
)
"""What the tables alone cannot refuse: an entry without postings or balance, and any change of what is booked.

Installed with the tables by `metadata.create_all`; a migration executes them in this order.
"""

for wall in WALLS:
    event.listen(metadata, "after_create", DDL(wall))  # type: ignore[no-untyped-call]


# --- What people ask -----------------------------------------------------------------------------------------------

Reader = asyncpg.Connection | asyncpg.Pool
By = Literal["location", "channel", "associate"]

_ENTRY, _POSTING = (Codec(rows) for rows in ROWS if rows.kind in (Entry, EntryPosting))


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry with its postings: all that explains it."""

    entry: Entry
    postings: tuple[EntryPosting, ...]


@dataclass(frozen=True, slots=True)
class StockBalance:
    """Pieces of a sku in an account of the stock book: a location, customer, supplier or adjustment."""

    account: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of money under a name, such as a location or a funder. Currencies are never added up."""

    name: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class FlowTotal:
    """What was sold in a flow from a location's shelf."""

    flow: str
    location_id: str
    currency: str
    quantity: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What was sold in a flow on a day, by the calendar of where the order was taken."""

    day: date
    flow: str
    currency: str
    net_minor: int


@dataclass(frozen=True, slots=True)
class RoleCredit:
    """The credit of a location for playing a role."""

    location_id: str
    role: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LineSums:
    """What the journal holds of an order line. Without drift, `credit_minor` is `net_minor` and both sums are 0."""

    order_id: str
    line_id: str
    quantity: int
    net_minor: int
    credit_minor: int
    budget_sum_minor: int
    stock_sum: int


async def entries_of_order(reader: Reader, order_id: str) -> list[Booked]:
    """Return all that was booked for an order, in the order in which it became final."""
    return await _booked(reader, "order_id = $1 ORDER BY recognised_at, entry_id", order_id)


async def entry_by_id(reader: Reader, entry_id: str) -> Booked | None:
    """Return an entry, or None."""
    return next(iter(await _booked(reader, "entry_id = $1", entry_id)), None)


async def stock_balances(reader: Reader, *, account: str | None = None, sku: str | None = None) -> list[StockBalance]:
    """Return the stock book's balances, of one account or sku where they are given."""
    query = """
        SELECT account, sku, sum(quantity)::bigint AS quantity
        FROM (
            SELECT account, sku, amount AS quantity FROM posting JOIN entry USING (entry_id) WHERE book = 'stock'
            UNION ALL SELECT target_account, sku, quantity FROM stock_entry
            UNION ALL SELECT source_account, sku, -quantity FROM stock_entry
        ) AS moves
        WHERE ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR sku = $2)
        GROUP BY account, sku ORDER BY account, sku
    """
    return [StockBalance(**row) for row in await reader.fetch(query, account, sku)]


async def credit_totals(reader: Reader, by: By, *, period: str | None = None) -> list[Total]:
    """Return the credit by location, channel or associate, of a period where one is given.

    Credit that names no associate stands under the empty name.
    """
    names: dict[By, str] = {"location": "account", "channel": "channel", "associate": "counterparty"}
    query = f"""
        SELECT {names[by]} AS name, currency, sum(amount)::bigint AS amount_minor
        FROM posting JOIN entry USING (entry_id)
        WHERE book = 'credit' AND ($1::text IS NULL OR period = $1)
        GROUP BY 1, 2 ORDER BY 1, 2
    """  # noqa: S608 - the names are ours
    return [Total(**row) for row in await reader.fetch(query, period)]


async def discounts_by_funder(reader: Reader, *, period: str | None = None) -> list[Total]:
    """Return what each funder gave away, as positive amounts."""
    query = """
        SELECT counterparty AS name, currency, -sum(amount)::bigint AS amount_minor
        FROM posting JOIN entry USING (entry_id)
        WHERE book = 'budget' AND line = 'discount' AND ($1::text IS NULL OR period = $1)
        GROUP BY 1, 2 ORDER BY 1, 2
    """
    return [Total(**row) for row in await reader.fetch(query, period)]


async def net_by_flow(reader: Reader, *, period: str | None = None) -> list[FlowTotal]:
    """Return what was sold in each flow from each location's shelf."""
    query = """
        SELECT flow, fulfil_location_id AS location_id, currency,
            sum(quantity)::bigint AS quantity, sum(net_minor)::bigint AS net_minor
        FROM entry WHERE $1::text IS NULL OR period = $1
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    return [FlowTotal(**row) for row in await reader.fetch(query, period)]


async def net_by_day(reader: Reader) -> list[DayTotal]:
    """Return what was sold in each flow on each day."""
    query = """
        SELECT (recognised_at AT TIME ZONE time_zone)::date AS day, flow, currency, sum(net_minor)::bigint AS net_minor
        FROM entry JOIN location ON location_id = capture_location_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    return [DayTotal(**row) for row in await reader.fetch(query)]


async def credit_by_role(reader: Reader) -> list[RoleCredit]:
    """Return the credit of each location for each role that it played."""
    query = """
        SELECT account AS location_id, line AS role, currency, sum(amount)::bigint AS amount_minor
        FROM posting JOIN entry USING (entry_id) WHERE book = 'credit'
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    return [RoleCredit(**row) for row in await reader.fetch(query)]


async def line_sums(reader: Reader, *, after: tuple[str, str] = ("", ""), limit: int = 1000) -> list[LineSums]:
    """Return the sums of order lines for reconciliation, a page at a time: those after (order id, line id)."""
    query = """
        SELECT order_id, line_id, sum(net_minor)::bigint AS net_minor, sum(credit)::bigint AS credit_minor,
            sum(quantity)::bigint AS quantity, sum(budget)::bigint AS budget_sum_minor, sum(stock)::bigint AS stock_sum
        FROM entry, LATERAL (
            SELECT coalesce(sum(amount) FILTER (WHERE book = 'credit'), 0) AS credit,
                coalesce(sum(amount) FILTER (WHERE book = 'budget'), 0) AS budget,
                coalesce(sum(amount) FILTER (WHERE book = 'stock'), 0) AS stock
            FROM posting WHERE posting.entry_id = entry.entry_id
        ) AS sums
        WHERE (order_id, line_id) > ($1, $2)
        GROUP BY order_id, line_id ORDER BY order_id, line_id LIMIT $3
    """
    return [LineSums(**row) for row in await reader.fetch(query, *after, limit)]


async def _booked(reader: Reader, condition: str, argument: str) -> list[Booked]:
    """Return the entries that a condition of ours names, each with its postings."""
    records = await reader.fetch(f"SELECT * FROM entry WHERE {condition}", argument)  # noqa: S608
    entries = [cast(Entry, _ENTRY.to_value(record)) for record in records]
    postings = await _postings(reader, [each.entry_id for each in entries])
    return [Booked(each, postings[each.entry_id]) for each in entries]


async def _postings(reader: Reader, entry_ids: Sequence[str]) -> dict[str, tuple[EntryPosting, ...]]:
    records: Any = await reader.fetch(
        "SELECT * FROM posting WHERE entry_id = ANY($1) ORDER BY entry_id, ordinal", entry_ids
    )
    postings = (cast(EntryPosting, _POSTING.to_value(record)) for record in records)
    return {entry_id: tuple(group) for entry_id, group in groupby(postings, key=lambda each: each.entry_id)}
