"""What every event is: a frozen model with a type, a topic and a key.

Version 1 of a type only ever grows by optional fields; readers ignore fields that they do not know. Whatever would
break a reader is a new type beside the old one. Services of the release before set a new type aside as `unknown-type`:
docs/operate.md says in which order to upgrade.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from shared.events.accounts import RESERVED


class Part(BaseModel):
    """A piece of an event."""

    # The docstring of a field is its description in the contract: it is said once.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Event(Part):
    """A fact, or a wish of the world outside, with its CloudEvents type and its Kafka topic and key."""

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[str] = ""
    KEY: ClassVar[tuple[str, ...]] = ()

    KIND: ClassVar[str] = ""

    def __init_subclass__(
        cls,
        *,
        type: str = "",  # noqa: A002 - CloudEvents call it so
        topic: str = "",
        key: tuple[str, ...] = ("order_id",),
        kind: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.TYPE, cls.TOPIC, cls.KEY, cls.KIND = type, topic, key, kind

    @property
    def key(self) -> str:
        """The Kafka key: order id wherever there is an order, else the natural key, its parts joined by `|`.

        A kind goes before it where one compacted topic carries several: `location|web`, `item|SKU-1`.
        """
        parts = [getattr(self, name) for name in self.KEY]
        return "|".join([self.KIND, *parts] if self.KIND else parts)


_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$"


def _utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9998:
        raise ValueError("the year must be from 1970 to 9998")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name} is an account of the books: no location or cost centre is called so")
    return name


Id = Annotated[str, Field(min_length=1, max_length=64, pattern=_ID)]
"""An identifier of the outside world: letters, digits and `. _ : / -`, at most 64."""
LocationId = Annotated[Id, AfterValidator(_not_reserved)]
"""A location or a cost centre, as the world names it.

Not like an account of the books: a delivery to a location `supplier` would be booked from `supplier` to `supplier`.
"""
EventId = Annotated[str, Field(min_length=1, max_length=256, pattern=_PRINTABLE)]
"""The CloudEvents id of a message."""
Text = Annotated[str, Field(max_length=200, pattern=_PRINTABLE)]
"""Words for people: one line, at most 200 characters, nothing invisible."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code, in capitals."""
Minor = Annotated[int, Field(ge=0, le=10**12)]
"""An amount in minor units of the order's currency (cents), never negative."""
SignedMinor = Annotated[int, Field(ge=-(10**15), le=10**15)]
"""An amount in minor units that may be negative."""
Pieces = Annotated[int, Field(ge=1, le=1_000_000)]
"""A number of pieces, at least one."""
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A number of pieces that may be none."""
SignedCount = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
"""A number of pieces that may be negative."""
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
"""Hundredths of a percent."""
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
"""A reason for machines, such as `stock-unavailable`."""
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A point in time, RFC 3339 with an offset; kept in UTC."""


class LineQuantity(Part):
    """Some pieces of one order line."""

    line_id: Id
    quantity: Pieces


class Reason(Part):
    """Why something was refused or undone: a slug for machines, a sentence for people, the line if it is about one."""

    slug: Slug
    sentence: Text
    line_id: Id | None = None
