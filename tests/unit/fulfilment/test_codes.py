"""Pickup codes."""

import pytest

from services.fulfilment.domain.codes import ALPHABET, PickupCodes

CODES = PickupCodes(b"a secret of the test")


def test_the_same_order_in_the_same_store_has_the_same_code_for_ever() -> None:
    assert CODES.of(order_id="order-1", location_id="galata") == "TSP36D"


def test_another_order_store_or_secret_has_another_code() -> None:
    codes = {
        CODES.of(order_id="order-1", location_id="galata"),
        CODES.of(order_id="order-2", location_id="galata"),
        CODES.of(order_id="order-1", location_id="kadikoy"),
        PickupCodes(b"another secret of it").of(order_id="order-1", location_id="galata"),
    }
    assert len(codes) == 4


def test_a_thousand_codes_use_every_character_and_only_those() -> None:
    codes = [CODES.of(order_id=f"order-{number}", location_id="galata") for number in range(1000)]
    assert {len(code) for code in codes} == {6}
    assert set("".join(codes)) == set(ALPHABET)
    assert not set(ALPHABET) & set("ILOU")


SHOWN = {
    "as told": ("1Z8E0F", True),
    "in small letters": ("1z8e0f", True),
    "in groups": (" 1Z8-E0F ", True),
    "with letters read for digits": ("lZ8EoF", True),
    "with a big I": ("IZ8E0F", True),
    "of another order": ("TSP36D", False),
    "one character off": ("1Z8E0G", False),
    "too short": ("1Z8E0", False),
    "too long": ("1Z8E0FF", False),
    "nothing but hyphens": ("------", False),
    "not even ASCII": ("\N{SNOWMAN}Z8E0F", False),
}


@pytest.mark.parametrize(("shown", "right"), SHOWN.values(), ids=SHOWN)
def test_a_code_is_read_as_people_write_it(shown: str, right: bool) -> None:
    assert CODES.fits(shown, order_id="order-33", location_id="galata") is right


def test_a_code_is_not_shown_by_accident() -> None:
    assert "secret of" not in repr(CODES)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="the pickup secret has 15 bytes; it needs at least 16"):
        PickupCodes(b"fifteen letters")
    assert PickupCodes(b"sixteen letters!").of(order_id="order-1", location_id="galata") == "BG2NAT"
