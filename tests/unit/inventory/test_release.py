"""A line is cancelled, or nobody picked it in time."""

import pytest

from services.inventory.domain.release import expire_hold, release
from services.inventory.domain.state import HeldLine, Reservation, Stock
from shared.events.inventory import HoldExpired, StockReleased
from shared.kernel.decision import NOTHING, Deadline, Decision, NotYet
from tests.unit.inventory.world import (
    GIVEN,
    MUG,
    PEN,
    because,
    cancelled,
    held,
    line_of_mugs,
    mugs,
    pens,
    pieces,
    promise,
)

HOLD_ENDED = (Deadline("hold", "o-1", None),)


def released(quantity: int) -> StockReleased:
    return StockReleased(order_id="o-1", lines=(pieces("1", "MUG", quantity),), reason=because("customer-request"))


@pytest.mark.parametrize(
    ("quantity", "before", "after", "stock", "free", "deadlines"),
    [
        (1, line_of_mugs(reserved=3), line_of_mugs(reserved=2, released=1), mugs(on_hand=4, reserved=2), 1, ()),
        (3, line_of_mugs(reserved=3), line_of_mugs(released=3), mugs(on_hand=4), 3, HOLD_ENDED),
        (9, line_of_mugs(reserved=3), line_of_mugs(released=3), mugs(on_hand=4), 3, HOLD_ENDED),
        (
            2,
            line_of_mugs(reserved=1, picked=2),
            line_of_mugs(picked=1, released=2),
            mugs(on_hand=4, reserved=1),
            2,
            HOLD_ENDED,
        ),
        (
            3,
            line_of_mugs(picked=3, issued=1),
            line_of_mugs(released=3, issued=1),
            mugs(on_hand=4),
            3,
            (),
        ),
    ],
)
def test_cancelled_pieces_may_be_promised_again(
    quantity: int, before: HeldLine, after: HeldLine, stock: Stock, free: int, deadlines: tuple[Deadline, ...]
) -> None:
    answer = release(cancelled(quantity), GIVEN, reservation=held(before), stock={MUG: mugs(on_hand=4, reserved=3)})
    assert answer == Decision(
        rows=(held(after), stock), events=(released(free), promise("MUG", 1 + free)), deadlines=deadlines
    )


def test_the_hold_goes_on_while_another_line_waits_on_the_shelf() -> None:
    pen = HeldLine("2", "PEN", "izmir", reserved=1)
    assert release(
        cancelled(1),
        GIVEN,
        reservation=held(line_of_mugs(reserved=1), pen),
        stock={MUG: mugs(on_hand=1, reserved=1), PEN: pens(on_hand=1, reserved=1)},
    ) == Decision(rows=(held(line_of_mugs(released=1), pen), mugs(on_hand=1)), events=(released(1), promise("MUG", 1)))


def test_released_pieces_that_are_oversold_may_not_be_promised() -> None:
    reservation = held(line_of_mugs(reserved=1))
    answer = release(cancelled(1), GIVEN, reservation=reservation, stock={MUG: mugs(on_hand=0, reserved=1)})
    assert answer == Decision(
        rows=(held(line_of_mugs(released=1)), mugs()), events=(released(1),), deadlines=HOLD_ENDED
    )


@pytest.mark.parametrize("line", [line_of_mugs(issued=2), line_of_mugs(released=2), line_of_mugs(short=2)])
def test_nothing_is_released_that_is_not_kept(line: HeldLine) -> None:
    assert release(cancelled(1), GIVEN, reservation=held(line), stock={}) is NOTHING


def test_a_line_that_was_never_reserved_releases_nothing() -> None:
    unavailable = cancelled(1, line_id="2", why="stock-unavailable")
    assert release(unavailable, GIVEN, reservation=held(line_of_mugs(reserved=1)), stock={}) is NOTHING


def test_a_short_pick_releases_nothing_since_the_piece_is_missing() -> None:
    reservation, stock = held(line_of_mugs(reserved=1)), {MUG: mugs(on_hand=1, reserved=1)}
    assert release(cancelled(1, why="short-pick"), GIVEN, reservation=reservation, stock=stock) is NOTHING


def test_a_cancellation_waits_for_the_order_that_it_cancels() -> None:
    assert release(cancelled(1), GIVEN, reservation=None, stock={}) == NotYet(Reservation, "o-1")


def test_a_line_kept_at_two_places_releases_no_more_than_was_cancelled() -> None:
    here, there = line_of_mugs(reserved=2), HeldLine("1", "MUG", "ankara", reserved=2)
    stock = {MUG: mugs(on_hand=2, reserved=2), there.stock_key: Stock("ankara", "MUG", on_hand=2, reserved=2)}
    answer = release(cancelled(3), GIVEN, reservation=held(here, there), stock=stock)
    assert isinstance(answer, Decision)
    assert answer.rows[0] == held(line_of_mugs(released=2), HeldLine("1", "MUG", "ankara", reserved=1, released=1))


def test_an_expired_hold_tells_what_nobody_picked_and_keeps_it() -> None:
    lines = line_of_mugs(reserved=2, picked=1), HeldLine("2", "PEN", "izmir", picked=4)
    assert expire_hold(None, GIVEN, reservation=held(*lines)) == Decision(
        events=(HoldExpired(order_id="o-1", lines=(pieces("1", "MUG", 2),)),)
    )


@pytest.mark.parametrize("reservation", [None, held(), held(line_of_mugs(picked=1, issued=1, released=1, short=1))])
def test_a_hold_with_nothing_to_pick_expires_in_silence(reservation: Reservation | None) -> None:
    assert expire_hold(None, GIVEN, reservation=reservation) is NOTHING
