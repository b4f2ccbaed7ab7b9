"""One round of one contender: orders from their submission to their last posting, and what every process used."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.contender import Contender, Team
from tests.bench.ground import Ground
from tests.bench.player import WINDOW, Player
from tests.bench.proc import cpu_s, own_cpu_s
from tests.bench.world import Assortment, Order, delivered, described, orders

KAFKA, POSTGRES, DRIVER = "Kafka", "PostgreSQL", "driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was measured."""

    contender: str
    orders: int
    seconds: float
    cpu_ms: Mapping[str, float]
    """Of each service, Kafka, PostgreSQL and the driver: CPU milliseconds per lifecycle."""

    @property
    def per_second(self) -> float:
        """Lifecycles a second."""
        return self.orders / self.seconds

    @property
    def own_cpu_ms(self) -> float:
        """What a lifecycle costs: the five services and the database, in CPU milliseconds."""
        return sum(spent for part, spent in self.cpu_ms.items() if part not in (KAFKA, DRIVER))


def introduce(world: Player, assortment: Assortment) -> None:
    """Describe an assortment, deliver it, and wait until it can be sold."""
    world.say(described(assortment))
    world.say(delivered(assortment))
    world.await_availability(assortment.stock_rows)


def measure(
    team: Team, world: Player, wanted: Sequence[Order], *, window: int = WINDOW, per_second: float | None = None
) -> Round:
    """Play orders and count what it took."""
    before = cpu_of(team)
    played = world.play(wanted, window=window, per_second=per_second)
    after = cpu_of(team)
    spent = {part: (after[part] - before[part]) * 1000 / len(wanted) for part in after}
    return Round(contender=team.contender.name, orders=len(wanted), seconds=played.seconds, cpu_ms=spent)


def cpu_of(team: Team) -> dict[str, float]:
    """Return the CPU seconds that each part has used so far."""
    services = {service: sum(map(cpu_s, pids)) for service, pids in team.pids.items()}
    servers = {KAFKA: cpu_s(team.ground.kafka_pid), POSTGRES: cpu_s(team.ground.postgres_pid)}
    return {**services, **servers, DRIVER: own_cpu_s()}


@contextmanager
def player(contender: Contender, ground: Ground) -> Iterator[Player]:
    """Give a world for a contender."""
    world = Player(ground.bootstrap, contender.prefix)
    try:
        yield world
    finally:
        world.close()


@dataclass(frozen=True, slots=True)
class Orders:
    """What is played in a round: first the orders that do not count, then those that do."""

    named: str
    """How their ids begin."""
    warm: Sequence[Order]
    counted: Sequence[Order]


def drawn(count: int, *, warm_up: int, named: str, assortment: Assortment) -> Orders:
    """Draw the orders of a round. `named` is used by no other round."""
    warm = orders(warm_up, named=f"{named}-warm", assortment=assortment)
    return Orders(named, warm, orders(count, named=named, assortment=assortment))
