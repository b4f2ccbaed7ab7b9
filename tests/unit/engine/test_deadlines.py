"""Deadlines are messages: each has an id of its own, so that what follows from it has too."""

from datetime import timedelta

from shared.engine.deciding import DEADLINE_RETRY
from shared.engine.memory import MemoryStore
from shared.engine.message import Due
from shared.engine.service import Service, at_deadline, many, on
from shared.events.reference import ItemDescribed
from shared.kernel.decision import Answer, Deadline, Decision, Given, NotYet
from tests.store.bench import Bench, described
from tests.store.tally import TALLY, Tally, audit

SOON = timedelta(hours=1)


def split(described: ItemDescribed, given: Given) -> Answer:
    """Begin two tallies, each to be audited."""
    halves = (f"{described.sku}-left", f"{described.sku}-right")
    return Decision(
        rows=tuple(Tally(half, 1) for half in halves),
        deadlines=tuple(Deadline("audit", half, given.now + SOON) for half in halves),
    )


HALVES = Service(
    name="tally",
    metadata=TALLY.metadata,
    rows=TALLY.rows,
    handlers=(
        on(ItemDescribed, split),
        at_deadline("audit", audit, many("tallies", Tally, lambda due: [due.key])),
    ),
)


async def test_two_deadlines_of_one_name_that_one_message_sets_tell_of_events_with_different_ids() -> None:
    bench = Bench(MemoryStore(HALVES))
    await bench.take(described("MUG"))
    await bench.after(SOON)
    told = [(record.key, dict(record.headers)["ce_id"]) for record in await bench.outbox()]
    assert [key for key, _ in told] == [b"S1|MUG-left", b"S1|MUG-right"]
    assert len({event_id for _, event_id in told}) == 2


def forget(due: Due, given: Given, *, tallies: dict[str, Tally]) -> Answer:
    """Answer what no engine can carry out: a deadline cannot wait."""
    return NotYet(Tally, f"{due.key}-never")


async def test_a_deadline_whose_decision_is_wrong_holds_up_no_other_and_says_why() -> None:
    handlers = (on(ItemDescribed, split), at_deadline("audit", forget, many("tallies", Tally, lambda due: [due.key])))
    store = MemoryStore(Service(name="tally", metadata=TALLY.metadata, rows=TALLY.rows, handlers=handlers))
    bench = Bench(store)
    await bench.take(described("MUG"))
    bench.clock.move_to(bench.clock.now + SOON)
    (effects,) = await bench.engine.tick()
    assert effects.dead == ["decision-failed", "decision-failed"]
    assert [str(bug) for bug in effects.bugs] == ["forget: a deadline cannot wait"] * 2
    assert {deadline.due_at for deadline in store.deadlines.values()} == {bench.clock.now + DEADLINE_RETRY}
