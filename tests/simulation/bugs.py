"""All bugs that are planted, one at a time."""

from tests.simulation import bugs_in_decisions, bugs_in_the_engine
from tests.simulation.mutants import Mutant

MUTANTS = (*bugs_in_the_engine.BUGS, *bugs_in_decisions.BUGS)


def mutant(name: str) -> Mutant:
    """Return the mutant of a name."""
    return next(each for each in MUTANTS if each.name == name)
