"""The simulation finds bugs: some that are quick to find are planted and found here, all of them by `proof.py`."""

import pytest

from tests.simulation.bugs import MUTANTS, mutant
from tests.simulation.campaign import stage
from tests.simulation.generate import generate
from tests.simulation.proof import BEGIN, END, PAGE, Catch, catch

QUICK = {
    "inbox-dropped": "each-event-takes-effect-once",
    "relay-out-of-order": "a-key-stays-in-order",
    "nothing-parks-behind": "no-order-is-unknown-where-it-was-submitted",
    "nobody-looks-again": "nothing-waits-for-what-is-there",
    "deadlines-lost": "every-hold-has-an-end",
    "release-twice": "the-services-agree-on-every-line",
    "any-code-opens": "only-the-right-code-opens",
    "recognised-at-placement": "nothing-is-sold-before-it-has-left",
    "rounded-to-nearest": "the-books-have-what-was-handed-over",
    "owner-not-paid": "the-owner-of-the-goods-is-paid",
}
HISTORIES = 100


@pytest.mark.parametrize(("name", "check"), QUICK.items())
def test_a_planted_bug_is_found(name: str, check: str) -> None:
    caught = catch(mutant(name), HISTORIES)
    assert caught == Catch(check, caught.histories if caught else 0)


def test_a_bug_is_gone_once_it_is_not_planted_any_more() -> None:
    catch(mutant("release-twice"), HISTORIES)
    assert stage().play(generate(0)) is None


def test_the_page_tells_of_every_planted_bug_and_none_is_left_to_find() -> None:
    told = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert [line.split("`")[1] for line in told.splitlines()[2:]] == [each.name for each in MUTANTS]
    assert "**nothing**" not in told
