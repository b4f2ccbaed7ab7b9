"""One run: its servers, its sizes, and who has worked on them already."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from services.registry import NAMES
from tests.bench.contender import Contender, Team, running
from tests.bench.ground import Ground
from tests.bench.player import Player
from tests.bench.rounds import Orders, Round, drawn, introduce, measure, player
from tests.bench.sizes import Sizes
from tests.bench.world import Assortment

_numbers = count(1)
"""Of the rounds of this process: servers may outlive a run, and remember its orders."""


@dataclass
class Bench:
    """What the chapters of a run share."""

    ground: Ground
    sizes: Sizes
    tekil_per_second: float | None = None
    """Lifecycles a second, once measured: latency is looked at when half as many come."""
    _known: dict[str, Contender] = field(default_factory=dict)

    @contextmanager
    def at_work(
        self,
        contender: Contender,
        *,
        assortment: Assortment | None = None,
        members: Mapping[str, int] | None = None,
    ) -> Iterator[tuple[Team, Player]]:
        """Run a contender and give it a world, which is described to it the first time."""
        new = contender.name not in self._known
        if new:
            contender.prepare(self.ground)
            self._known[contender.name] = contender
        with (
            running(contender, self.ground, members=members) as team,
            player(contender, self.ground) as world,
        ):
            if new and contender.needs_a_world:
                introduce(world, assortment or self.sizes.assortment)
            yield team, world

    def draw(self, wanted: int, *, assortment: Assortment | None = None) -> Orders:
        """Draw orders that this run has not seen, and as many more as warm up."""
        goods = assortment or self.sizes.assortment
        return drawn(wanted, warm_up=self.sizes.warm_up, named=f"run-{next(_numbers):03}", assortment=goods)

    def play(self, contender: Contender, given: Orders, *, members: Mapping[str, int] | None = None) -> Round:
        """Start a contender, warm it up, and measure."""
        with self.at_work(contender, members=members) as (team, world):
            world.play(given.warm, window=self.sizes.window)
            self.settle()
            return measure(team, world, given.counted, window=self.sizes.window)

    def settle(self) -> None:
        """Do now what PostgreSQL would do later: in a round of another contender, or amid what is measured."""
        for contender in self._known.values():
            for service in NAMES:
                self.ground.ask(contender.database(service), "VACUUM ANALYZE")
        self.ground.ask("postgres", "CHECKPOINT")
