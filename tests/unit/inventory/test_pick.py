"""Staff set pieces aside, or miss them."""

import pytest

from services.inventory.domain.pick import miss, pick
from services.inventory.domain.state import HeldLine, Reservation, Stock
from shared.events.event import Event
from shared.events.fulfilment import ReadyForPickup
from shared.kernel.decision import NOTHING, Deadline, Decision, NotYet
from tests.unit.inventory.world import GIVEN, MUG, held, line_of_mugs, mugs, please_count, ready, short

HOLD_ENDED = (Deadline("hold", "o-1", None),)
PEN_LINE = HeldLine("2", "PEN", "izmir", reserved=1)


@pytest.mark.parametrize(
    ("told", "before", "after", "deadlines"),
    [
        (ready(("1", "MUG", 2)), held(line_of_mugs(reserved=2)), held(line_of_mugs(picked=2)), HOLD_ENDED),
        (ready(("1", "MUG", 1)), held(line_of_mugs(reserved=2)), held(line_of_mugs(reserved=1, picked=1)), ()),
        (
            ready(("1", "MUG", 2)),
            held(line_of_mugs(reserved=2), PEN_LINE),
            held(line_of_mugs(picked=2), PEN_LINE),
            (),
        ),
        (
            ready(("1", "MUG", 2), ("2", "PEN", 1)),
            held(line_of_mugs(reserved=2), PEN_LINE),
            held(line_of_mugs(picked=2), HeldLine("2", "PEN", "izmir", picked=1)),
            HOLD_ENDED,
        ),
        # Released while it was being picked: it is not kept again.
        (
            ready(("1", "MUG", 2)),
            held(line_of_mugs(reserved=1, released=1)),
            held(line_of_mugs(picked=1, released=1)),
            HOLD_ENDED,
        ),
        (ready(("1", "MUG", 2)), held(line_of_mugs(released=2)), held(line_of_mugs(released=2)), ()),
    ],
)
def test_what_is_ready_is_set_aside(
    told: ReadyForPickup, before: Reservation, after: Reservation, deadlines: tuple[Deadline, ...]
) -> None:
    assert pick(told, GIVEN, reservation=before) == Decision(rows=(after,), deadlines=deadlines)


@pytest.mark.parametrize(
    ("line", "stock", "line_after", "stock_after", "news", "deadlines"),
    [
        # The pieces were promised to this order; now nobody has them, and no one else is promised less.
        (
            line_of_mugs(reserved=2),
            mugs(on_hand=5, reserved=3),
            line_of_mugs(short=2),
            mugs(on_hand=5, reserved=1, blocked=2),
            (),
            HOLD_ENDED,
        ),
        (
            line_of_mugs(reserved=3),
            mugs(on_hand=5, reserved=3),
            line_of_mugs(reserved=1, short=2),
            mugs(on_hand=5, reserved=1, blocked=2),
            (),
            (),
        ),
    ],
)
def test_what_was_not_found_is_blocked_until_it_is_counted(
    line: HeldLine,
    stock: Stock,
    line_after: HeldLine,
    stock_after: Stock,
    news: tuple[Event, ...],
    deadlines: tuple[Deadline, ...],
) -> None:
    answer = miss(short(("1", "MUG", 2)), GIVEN, reservation=held(line), stock={MUG: stock})
    assert answer == Decision(
        rows=(held(line_after), stock_after),
        events=(please_count("short_pick", 2), *news),
        deadlines=deadlines,
    )


def test_no_more_is_blocked_than_waits_on_the_shelf_and_the_rest_is_told() -> None:
    answer = miss(
        short(("1", "MUG", 3)),
        GIVEN,
        reservation=held(line_of_mugs(reserved=1, picked=1, released=1)),
        stock={MUG: mugs(on_hand=5, reserved=2)},
    )
    assert answer == Decision(
        rows=(held(line_of_mugs(picked=1, released=1, short=1)), mugs(on_hand=5, reserved=1, blocked=1)),
        events=(please_count("short_pick", 1), please_count("more_than_kept", 2)),
        deadlines=HOLD_ENDED,
    )


def test_missing_pieces_told_again_under_a_new_id_are_no_news() -> None:
    missed, shelf = held(line_of_mugs(reserved=2, short=1)), {MUG: mugs(on_hand=3, reserved=2, blocked=1)}
    assert miss(short(("1", "MUG", 1), so_far=1), GIVEN, reservation=missed, stock=shelf) == NOTHING
    nothing_kept = held(line_of_mugs(issued=1))
    answer = miss(short(("1", "MUG", 1)), GIVEN, reservation=nothing_kept, stock={MUG: mugs()})
    assert answer == Decision(events=(please_count("more_than_kept", 1),))


def test_every_missing_line_asks_for_a_count() -> None:
    reservation = held(line_of_mugs("1", reserved=1), line_of_mugs("2", reserved=2))
    answer = miss(
        short(("1", "MUG", 1), ("2", "MUG", 2)),
        GIVEN,
        reservation=reservation,
        stock={MUG: mugs(on_hand=3, reserved=3)},
    )
    assert answer == Decision(
        rows=(held(line_of_mugs("1", short=1), line_of_mugs("2", short=2)), mugs(on_hand=3, blocked=3)),
        events=(please_count("short_pick", 1), please_count("short_pick", 2)),
        deadlines=HOLD_ENDED,
    )


def test_a_pick_of_an_order_not_heard_of_waits_for_it() -> None:
    assert pick(ready(("1", "MUG", 1)), GIVEN, reservation=None) == NotYet(Reservation, "o-1")
    assert miss(short(("1", "MUG", 1)), GIVEN, reservation=None, stock={}) == NotYet(Reservation, "o-1")
