"""Playing a history: step by step on a cluster that is watched, then to rest, then to the end of all deadlines."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.registry import all_services
from shared.engine.service import Service
from shared.runtime.settings import Settings
from tests.simulation.at_rest import AT_REST, AT_THE_END
from tests.simulation.cluster import Cluster
from tests.simulation.invariants import check_transaction
from tests.simulation.outcome import difference, outcome
from tests.simulation.steps import History
from tests.simulation.watch import Broken, Watch
from tests.simulation.world import CODES, Told, beginning

END_DAYS = 30
"""After so many days without anybody, every deadline has passed."""

CALM_EVERY = 16
"""Steps between two rests of a calm day."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that found something in a history."""

    check: str
    detail: str


class Stage:
    """The services as they are declared, and the world in which every history begins."""

    def __init__(self) -> None:
        settings = Settings(pickup_secret=CODES.secret.decode())
        self.services: Sequence[Service] = all_services(settings)
        self._began = Cluster(self.services, Watch(checks=(check_transaction,)))
        for told in beginning():
            self._began.tell(told)
        self._began.settle()

    def cluster(self) -> Cluster:
        """Return a cluster at the beginning."""
        return Cluster(self.services, self._began.watch.like(), like=self._began)

    def play(self, history: History) -> Failure | None:
        """Play a history and return what is wrong with it."""
        try:
            cluster = self.played(history)
            if history.commutes:
                expected = self.played(history, calm=True)
                if found := difference(outcome(expected), outcome(cluster)):
                    raise Broken("the-outcome-is-that-of-a-day-without-faults", found)
        except Broken as broken:
            return Failure(broken.check, broken.detail)
        except Exception as error:
            return Failure("nothing-crashes", f"{type(error).__name__}: {error}")
        return None

    def played(self, history: History, *, calm: bool = False) -> Cluster:
        """Play a history to its end; calmly, without turns of the machine save those that bring it to rest."""
        cluster = self.cluster()
        for number, step in enumerate(history.steps):
            if isinstance(step, Told):
                cluster.tell(step)
            elif not calm:
                cluster.turn(step)
            if calm and number % CALM_EVERY == 0:
                cluster.settle()
        cluster.settle()
        cluster.repair_all()
        cluster.tick_all()
        for check in AT_REST:
            check(cluster)
        cluster.pass_days(END_DAYS)
        for check in AT_THE_END:
            check(cluster)
        return cluster
