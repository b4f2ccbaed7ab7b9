"""How much is played in a full run and in a quick one."""

from dataclasses import dataclass

from tests.bench.world import SPREAD, Assortment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of orders, unless said otherwise."""

    assortment: Assortment = SPREAD
    warm_up: int = 200
    """Before each round, uncounted: connections, plans and code are warm then, as they are in a shop."""
    rounds: int
    """Of each contender, taken in turns; the median counts."""
    tekil: int
    naive: int
    floor: int
    window: int
    """In flight at once."""
    paced_s: float
    """How long orders come at an even rate, for latency, in seconds."""
    unhurried_s: float
    """How long they come at that rate before, uncounted."""
    slow: int
    """At one a second."""
    stored: tuple[int, ...]
    """How many are there already, in steps of the growth."""
    grown: int
    """Played at each of these steps."""
    hot: int
    members: tuple[int, ...]
    """Of the busiest service, after one."""
    shared: int
    """Played with each of these numbers of members."""
    waiting: int
    """Events that wait for a service that starts."""
    profiled: int


FULL = Sizes(
    rounds=3,
    tekil=6_000,
    naive=600,
    floor=3_000,
    window=2_000,
    paced_s=20.0,
    unhurried_s=20.0,
    slow=60,
    stored=(10_000, 100_000),
    grown=4_000,
    hot=4_000,
    members=(2, 4),
    shared=4_000,
    waiting=100_000,
    profiled=6_000,
)
QUICK = Sizes(
    rounds=1,
    tekil=1_000,
    naive=150,
    floor=1_000,
    window=500,
    paced_s=4.0,
    unhurried_s=2.0,
    slow=4,
    stored=(1_000,),
    grown=500,
    hot=500,
    members=(2,),
    shared=500,
    waiting=2_000,
    profiled=1_000,
)
TINY = Sizes(
    assortment=Assortment(stores=2, skus=10),
    warm_up=10,
    rounds=1,
    tekil=40,
    naive=20,
    floor=40,
    window=40,
    paced_s=1.0,
    unhurried_s=1.0,
    slow=1,
    stored=(400,),
    grown=40,
    hot=40,
    members=(2,),
    shared=40,
    waiting=100,
    profiled=60,
)
"""For the test that the bench works."""
