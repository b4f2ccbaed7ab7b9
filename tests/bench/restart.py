"""A service comes back after an outage, and everything that was said meanwhile waits for it."""

import time
from dataclasses import replace

from shared.events.order import OrderPlaced
from tests.bench.bench import Bench
from tests.bench.contender import TEKIL, running
from tests.bench.report import Chapter, Table, number
from tests.bench.rounds import introduce, player
from tests.bench.world import orders

RESTARTED = replace(TEKIL, name="restarted")
SERVICE = "order"


def restart(bench: Bench) -> Chapter:
    """Let orders wait for the order service, start it, and take the time until it has published the last answer."""
    sizes, ground = bench.sizes, bench.ground
    RESTARTED.prepare(ground)
    with running(RESTARTED, ground, services=("inventory", SERVICE)), player(RESTARTED, ground) as world:
        introduce(world, sizes.assortment)
    with player(RESTARTED, ground) as world:
        waiting = orders(sizes.waiting, named="waiting", assortment=sizes.assortment)
        world.say(each.submitted for each in waiting)
        began = time.perf_counter()
        with running(RESTARTED, ground, services=(SERVICE,)):
            up = time.perf_counter()
            world.await_told(OrderPlaced.TYPE, len(waiting))
            done = time.perf_counter()
    data = {"waiting": len(waiting), "start_s": up - began, "catch_up_s": done - up}
    rows = (
        ("seconds until it consumes", number(up - began)),
        ("seconds until the last answer is published", number(done - up)),
        ("events a second", number(len(waiting) / (done - up))),
    )
    title = f"{len(waiting):,} submitted orders wait for the {SERVICE} service"
    return Chapter("restart", title, Table(("", SERVICE), rows), data)
