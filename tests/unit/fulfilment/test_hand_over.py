"""Staff hand over what waits to whoever shows the code."""

from datetime import datetime, timedelta

import pytest

from services.fulfilment.domain.hand_over import hand_over
from services.fulfilment.domain.state import Fulfilment, Guesses, Task
from shared.events.event import LineQuantity, Reason
from shared.events.fulfilment import FulfilmentCollected, HandoverRefused
from shared.events.operations import PickupHandedOver
from shared.kernel.decision import Answer, Deadline, Decision, NotYet
from shared.kernel.value import replace
from tests.unit.fulfilment.examples import (
    CODES,
    HAPPENED,
    NOW,
    PICK_BY,
    PICKUP_BY,
    because,
    given,
    line,
    order,
    picking,
    settled,
    utc,
    waiting,
)

RIGHT = "TSP36D"
PICKED_AT = utc("2026-03-01T14:00")
WAITING = waiting(line("A", picked=3), line("B", picked=1))


def shown(*lines: tuple[str, int], code: str = RIGHT, at: str = "galata") -> PickupHandedOver:
    wanted = tuple(LineQuantity(line_id=line_id, quantity=quantity) for line_id, quantity in lines)
    return PickupHandedOver(
        order_id="order-1", location_id=at, code=code, collected_by="someone_else", lines=wanted, associate_id="ayse"
    )


def decide(event: PickupHandedOver, fulfilment: Fulfilment | None, now: datetime = NOW) -> Answer:
    return hand_over(event, given(now), fulfilment=fulfilment, codes=CODES)


def collected(*, before: int = 0, **quantities: int) -> FulfilmentCollected:
    return FulfilmentCollected(
        order_id="order-1",
        location_id="galata",
        lines=settled(before=before, **quantities),
        collected_by="someone_else",
        associate_id="ayse",
        collected_at=HAPPENED,
    )


def refusal(reason: Reason, at: str = "galata") -> HandoverRefused:
    return HandoverRefused(order_id="order-1", location_id=at, request_id="msg-1", reason=reason)


REST = collected(B=1).model_copy(update={"lines": settled(before=2, A=1) + settled(B=1)})
"""The third piece of line A, after two, and the only one of B."""
NO_PICKUP_DEADLINE = Deadline("pickup", "order-1|galata", None)
HANDOVERS = {
    "without lines, all that is ready": (
        WAITING,
        shown(),
        waiting(line("A", collected=3), line("B", collected=1)),
        collected(A=3, B=1),
        (NO_PICKUP_DEADLINE,),
    ),
    "a part: the rest goes on waiting": (
        WAITING,
        shown(("A", 2)),
        waiting(line("A", picked=1, collected=2), line("B", picked=1)),
        collected(A=2),
        (),
    ),
    "the rest": (
        waiting(line("A", picked=1, collected=2), line("B", picked=1)),
        shown(),
        waiting(line("A", collected=3), line("B", collected=1)),
        REST,
        (NO_PICKUP_DEADLINE,),
    ),
    "a line in two parts": (
        WAITING,
        shown(("B", 1), ("A", 1), ("A", 2)),
        waiting(line("A", collected=3), line("B", collected=1)),
        collected(A=3, B=1),
        (NO_PICKUP_DEADLINE,),
    ),
    "not what was short or cancelled": (
        waiting(line("A", picked=1, short=2), line("B", cancelled=1)),
        shown(),
        waiting(line("A", collected=1, short=2), line("B", cancelled=1)),
        collected(A=1),
        (NO_PICKUP_DEADLINE,),
    ),
    "the right code wipes out wrong ones": (
        waiting(line("A", picked=2), guesses=(Guesses("/handheld", 4, PICKUP_BY),)),
        shown(("A", 1)),
        waiting(line("A", picked=1, collected=1)),
        collected(A=1),
        (),
    ),
}


@pytest.mark.parametrize(("before", "event", "after", "fact", "deadlines"), HANDOVERS.values(), ids=HANDOVERS)
def test_whoever_shows_the_code_gets_the_pieces(
    before: Task, event: PickupHandedOver, after: Task, fact: FulfilmentCollected, deadlines: tuple[Deadline, ...]
) -> None:
    assert decide(event, order(before)) == Decision((order(after),), (fact,), deadlines)


def test_it_waits_for_the_order_and_is_refused_when_it_never_comes() -> None:
    unknown = refusal(because("order-unknown", "No store has anything to do for this order."))
    assert decide(shown(), None) == NotYet(Fulfilment, "order-1", otherwise=Decision(events=(unknown,)))


NOT_READY = because("not-ready", "The order is still being picked.")
COLLECTED = because("already-collected", "All of it was handed over before.")
CANCELLED = because("already-cancelled", "Nothing waits here any more: it was cancelled, or could not be found.")
EXPIRED = because("pickup-expired", "The time to collect it has passed, and it went back to the shelf.")
MORE = "More pieces are asked for than are ready."
REFUSALS = {
    "still to pick": (picking(line("A", to_pick=3)), shown(), NOT_READY),
    "picked in part": (picking(line("A", to_pick=1, picked=2)), shown(("A", 2)), NOT_READY),
    "collected": (waiting(line("A", collected=3)), shown(), COLLECTED),
    "collected, others cancelled": (waiting(line("A", collected=2, cancelled=1)), shown(), COLLECTED),
    "cancelled": (waiting(line("A", cancelled=3)), shown(), CANCELLED),
    "cancelled before it was picked": (picking(line("A", cancelled=3)), shown(), CANCELLED),
    "never found": (picking(line("A", short=3)), shown(), CANCELLED),
    "expired": (waiting(line("A", expired=3)), shown(), EXPIRED),
    "collected in part, the rest expired": (waiting(line("A", collected=1, expired=2)), shown(), EXPIRED),
    "a line of another order": (
        WAITING,
        shown(("A", 1), ("Z", 1)),
        because("line-unknown", "The store's task has no such line.", "Z"),
    ),
    "more than ready": (WAITING, shown(("A", 4)), because("more-than-ready", MORE, "A")),
    "more in two parts": (WAITING, shown(("A", 2), ("A", 2)), because("more-than-ready", MORE, "A")),
    "a line that is gone": (
        waiting(line("A", picked=1), line("B", collected=1)),
        shown(("A", 1), ("B", 1)),
        because("more-than-ready", MORE, "B"),
    ),
}


@pytest.mark.parametrize(("before", "event", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_handed_over_is_refused_as_a_whole(
    before: Task, event: PickupHandedOver, reason: Reason
) -> None:
    assert decide(event, order(before)) == Decision(events=(refusal(reason),))


def test_another_store_does_not_have_it() -> None:
    wrong = because("wrong-store", "This order waits in another store.")
    answer = decide(shown(at="kadikoy", code=CODES.of(order_id="order-1", location_id="kadikoy")), order(WAITING))
    assert answer == Decision(events=(refusal(wrong, at="kadikoy"),))


def test_the_code_of_one_store_does_not_open_another() -> None:
    elsewhere = Task("kadikoy", (line("C", picked=1),), PICK_BY, utc("2026-03-09T19:00"))
    answer = decide(shown(at="kadikoy"), order(WAITING, elsewhere))
    assert isinstance(answer, Decision)
    assert answer.events == (refusal(WRONG, at="kadikoy"),)


WRONG = because("wrong-code", "The pickup code is wrong.")
LOCKED = because("too-many-wrong-codes", "Too many wrong codes were shown; please wait a quarter of an hour.")
UNLOCKS = utc("2026-03-02T09:15")


def after(*shown_by: tuple[str, int]) -> Task:
    """A task after wrong codes that these tills showed just now."""
    return waiting(line("A", picked=3), guesses=tuple(Guesses(source, wrong, UNLOCKS) for source, wrong in shown_by))


def decide_for(till: str, code: str, task: Task, now: datetime = NOW) -> Answer:
    return hand_over(shown(code=code), given(now, source=till), fulfilment=order(task), codes=CODES)


def handed_over(task: Task) -> Decision:
    everything = waiting(*(replace(each, picked=0, collected=each.picked) for each in task.lines))
    return Decision((order(everything),), (collected(A=3),), (NO_PICKUP_DEADLINE,))


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (after(), after(("/till/1", 1))),
        (after(("/till/1", 1)), after(("/till/1", 2))),
        (after(("/till/1", 4)), after(("/till/1", 5))),
        (after(("/till/2", 4)), after(("/till/2", 4), ("/till/1", 1))),
    ],
)
def test_a_wrong_code_counts_for_the_till_that_shows_it(before: Task, counted: Task) -> None:
    answer = decide_for("/till/1", "000000", before)
    assert answer == Decision(rows=(order(counted),), events=(refusal(WRONG),))


@pytest.mark.parametrize("code", [RIGHT, "000000"])
def test_after_five_wrong_codes_a_till_gets_nothing_for_a_quarter_of_an_hour(code: str) -> None:
    almost = UNLOCKS - timedelta(microseconds=1)
    answer = decide_for("/till/1", code, after(("/till/1", 5)), almost)
    assert answer == Decision(events=(refusal(LOCKED),))


def test_another_till_hands_over_all_the_same() -> None:
    task = after(("/till/1", 5))
    assert decide_for("/till/2", RIGHT, task) == handed_over(task)


def test_after_the_lock_the_right_code_is_right_again_and_wrong_ones_are_counted_anew() -> None:
    task = after(("/till/1", 5))
    assert decide_for("/till/1", RIGHT, task, UNLOCKS) == handed_over(task)
    counted = waiting(line("A", picked=3), guesses=(Guesses("/till/1", 1, UNLOCKS + timedelta(minutes=15)),))
    answer = decide_for("/till/1", "000000", task, UNLOCKS)
    assert answer == Decision(rows=(order(counted),), events=(refusal(WRONG),))


def test_while_ten_tills_guess_no_other_one_may_try() -> None:
    tills = [(f"/till/{number}", 1) for number in range(10)]
    assert decide_for("/till/11", RIGHT, after(*tills)) == Decision(events=(refusal(LOCKED),))
    assert decide_for("/till/9", RIGHT, after(*tills)) == handed_over(after())
    assert decide_for("/till/11", RIGHT, after(*tills[1:])) == handed_over(after())


def test_five_wrong_codes_say_until_when_somebody_gets_nothing() -> None:
    assert (after(("/till/1", 4)).locked_until, after(("/till/1", 5)).locked_until) == (None, UNLOCKS)


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        (PICKED_AT, PICKED_AT),
        # Two handhelds whose clocks differ.
        (PICKED_AT - timedelta(minutes=15), PICKED_AT - timedelta(minutes=15)),
        (NOW + timedelta(minutes=15), NOW + timedelta(minutes=15)),
        # Before it was picked; after now; a battery that was empty.
        (PICKED_AT - timedelta(minutes=16), NOW),
        (NOW + timedelta(minutes=16), NOW),
        (utc("1970-01-01T00:00"), NOW),
        (utc("9998-01-01T00:00"), NOW),
    ],
)
def test_a_handover_was_when_the_handheld_says_if_that_can_be(claimed: datetime, believed: datetime) -> None:
    task = waiting(line("A", picked=3), picked_at=PICKED_AT)
    answer = hand_over(shown(), given(at=claimed), fulfilment=order(task), codes=CODES)
    assert isinstance(answer, Decision)
    told = collected(A=3).model_copy(
        update={"collected_at": believed, "claimed_at": None if claimed == believed else claimed}
    )
    assert answer.events == (told,)
