"""Pickup codes: derived from a secret, so that none is ever kept."""

import hmac
from dataclasses import dataclass, field

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like a digit or another letter, none that spells trouble."""
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})
"""What people read, type and put between the characters instead."""
CODE_CHARS = 6
"""A thousand million codes: five tries in a quarter of an hour get nowhere."""
BITS_A_CHAR = 5
SECRET_BYTES_MIN = 16


@dataclass(frozen=True, slots=True)
class PickupCodes:
    """The codes that a secret gives. Whoever knows the secret knows every code.

    Raises ValueError where the secret is shorter than `SECRET_BYTES_MIN`.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SECRET_BYTES_MIN:
            raise ValueError(f"the pickup secret has {len(self.secret)} bytes; it needs at least {SECRET_BYTES_MIN}")

    def of(self, *, order_id: str, location_id: str) -> str:
        """Return the code with which an order is collected in a store."""
        digest = hmac.digest(self.secret, f"{order_id}|{location_id}".encode(), "sha256")
        bits = int.from_bytes(digest, "big")
        places = range(0, CODE_CHARS * BITS_A_CHAR, BITS_A_CHAR)
        return "".join(ALPHABET[bits >> place & len(ALPHABET) - 1] for place in places)

    def fits(self, shown: str, *, order_id: str, location_id: str) -> bool:
        """Say whether a code is the right one as people write it, in a time that tells nothing about the right one."""
        read = shown.upper().translate(LOOK_ALIKES)
        return hmac.compare_digest(read.encode(), self.of(order_id=order_id, location_id=location_id).encode())
