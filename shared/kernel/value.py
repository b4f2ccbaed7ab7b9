"""Values: what a domain knows, unchangeable, told apart by what they hold alone."""

from typing import dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True)
class Value(msgspec.Struct, frozen=True, gc=False):
    """A frozen record with named fields, as a frozen dataclass, and made ten times as fast.

    A domain makes a hundred of them for an order. Values hold values, never each other in a circle, so that the
    garbage collector need not look at them.
    """


replace = msgspec.structs.replace
"""Return a value like another one, with some fields changed: `replace(value, name=…)`."""


def fields(kind: type[Value]) -> tuple[str, ...]:
    """Return the names of a kind's fields, in their order."""
    return kind.__struct_fields__
