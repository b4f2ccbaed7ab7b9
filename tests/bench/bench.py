"""One run: its servers, its sizes, and who is at home on them already."""

from dataclasses import dataclass, field

from tests.bench.contender import Contender
from tests.bench.ground import Ground
from tests.bench.rounds import settle
from tests.bench.sizes import Sizes


@dataclass
class Bench:
    """What the chapters of a run share."""

    ground: Ground
    sizes: Sizes
    tekil_per_second: float | None = None
    """Lifecycles a second, once measured: latency is looked at when half as many come."""
    _settled: set[str] = field(default_factory=set)
    _named: int = 0

    def settle(self, contender: Contender) -> None:
        """Make a contender at home, once."""
        if contender.name not in self._settled:
            settle(contender, self.ground, self.sizes)
            self._settled.add(contender.name)

    def fresh_name(self) -> str:
        """Return a beginning of order ids that this run has not used."""
        self._named += 1
        return f"run-{self._named:03}"
