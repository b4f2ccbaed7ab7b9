"""Values: what is made for every message, unchangeable, told apart by what it holds alone.

Messages, rows, decisions and what they are made of are Values. What is declared once, set, or shown to people, such as
a handler, a policy, settings or a report, is a frozen dataclass.
"""

from datetime import datetime
from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True)
class Value(msgspec.Struct, frozen=True, gc=False):
    """A frozen record with named fields, as a frozen dataclass, and made ten times as fast.

    An order makes a hundred of them on its way. The garbage collector does not look at them, so no Value may reach
    itself, whatever it holds: such a circle would never be freed.
    """


replace = msgspec.structs.replace
"""Return a value like another one, with some fields changed: `replace(value, name=…)`."""


def fields(kind: type[Value]) -> tuple[str, ...]:
    """Return the names of a kind's fields, in their order."""
    return kind.__struct_fields__


def as_dict(value: Value) -> dict[str, Any]:
    """Return a value, and the values within it, as dicts and lists; times stay times, for whoever writes them."""
    shown: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return shown
