"""Playing a hostile history on the five services in memory: what became of each message, and what must hold."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from services.attribution.domain.state import Item
from services.inventory.domain.state import Stock
from services.order.domain.state import Order
from services.returns.domain.state import Purchase
from shared.engine.message import Outgoing
from shared.engine.rows import Key
from shared.engine.store import Effects
from shared.events.catalogue import CATALOGUE
from tests.hostile.generate import size_of
from tests.simulation import at_rest, invariants
from tests.simulation.cluster import Cluster
from tests.simulation.play import END_DAYS, Failure, Stage
from tests.simulation.steps import History
from tests.simulation.watch import Broken, Watch
from tests.simulation.world import MUG, Told

OUR_FAULTS = frozenset({"decision-failed", "reading-failed", "refused-by-database"})
"""Reasons of dead letters that blame us: our contract lets something through that our decisions cannot bear."""
PUBLISHED_BYTES_MAX = 1_040_000
"""What a broker takes, less its own overhead: a dead letter says more than what came."""
DETAIL_CHARS_MAX = 2_000
"""More than that nobody reads."""
Tally = Counter[tuple[str, str]]
"""Messages by outcome and reason."""

AFTER_EACH_TRANSACTION: dict[str, tuple[invariants.Check, ...]] = {
    "order": (invariants.what_is_cancelled_is_refunded,),
    "inventory": (
        invariants.on_hand_is_the_sum_of_its_movements,
        invariants.reserved_is_what_orders_hold,
        invariants.reserved_is_on_hand_save_what_was_declared,
        invariants.what_may_be_promised_is_published,
        invariants.every_hold_has_an_end,
    ),
    "fulfilment": (invariants.every_task_has_a_deadline,),
    "returns": (),
    "attribution": (invariants.every_book_balances,),
}
"""What holds whoever has gone mad: each service believes its neighbours no nonsense."""
AT_REST: tuple[at_rest.Rest, ...] = (
    at_rest.every_event_is_published,
    at_rest.nothing_waits_for_what_is_there,
    at_rest.the_services_agree_on_every_line,
    at_rest.what_customers_have_can_come_back,
    at_rest.the_books_have_what_was_handed_over,
    at_rest.the_stock_book_is_the_stock,
    at_rest.paid_is_kept_or_given_back,
)
"""What holds between services while only the world outside is hostile."""


@dataclass
class Look:
    """Looks at what each transaction did to the messages in it."""

    tally: Tally = field(default_factory=Counter)

    def __call__(self, watch: Watch, service: str, effects: Effects) -> None:
        """Count, and check. Raises Broken."""
        self.tally["decided", ""] += effects.decided
        self.tally["repeated", ""] += effects.repeated
        for parked in effects.parked:
            self.tally["parked", f"waits for its {parked.wait.kind.__name__.lower()}"] += 1
        for bug in effects.bugs:
            raise Broken("nothing-is-our-fault", f"{service}: {type(bug).__name__}: {bug}")
        for record in effects.outgoing:
            self._published(service, record)
        if effects.decided:
            for check in AFTER_EACH_TRANSACTION[service]:
                check(watch, effects)

    def _published(self, service: str, record: Outgoing) -> None:
        headers = {name: value or b"" for name, value in record.headers}
        if (size := size_of(record)) > PUBLISHED_BYTES_MAX:
            raise Broken("a-broker-takes-it", f"{service} publishes {size} bytes on {record.topic}")
        if record.topic.endswith(".dlq"):
            reason, detail = headers["tekil_dlq_reason"].decode(), headers["tekil_dlq_detail"].decode()
            self.tally["dead letter", reason] += 1
            if reason in OUR_FAULTS:
                raise Broken("nothing-is-our-fault", f"{service}: {reason}: {detail}")
            if not 0 < len(detail) <= DETAIL_CHARS_MAX or not detail.replace("\n", " ").isprintable():
                raise Broken("a-person-understands-it", f"{service}: {reason}: {len(detail)} chars: {detail[:200]!r}")
            return
        kind = headers["ce_type"].decode()
        event = CATALOGUE[kind].model_validate_json(record.value or b"")
        self.tally["published", kind] += 1
        if (reasons := getattr(event, "reasons", ())) or hasattr(event, "reason"):
            for reason in reasons or (event.reason,):  # type: ignore[attr-defined]
                self.tally[kind, reason.slug] += 1


@lru_cache(maxsize=1)
def stage() -> Stage:
    """Return the stage of this process."""
    return Stage()


def play(history: History, tally: Tally | None = None) -> Failure | None:
    """Play a history, count what became of its messages, and return what is wrong."""
    cluster, look = stage().cluster(), Look()
    cluster.watch.checks = (look,)
    try:
        _play(history, cluster)
    except Broken as broken:
        return Failure(broken.check, broken.detail)
    except Exception as error:
        return Failure("nothing-crashes", f"{type(error).__name__}: {error}")
    if tally is not None:
        tally.update(look.tally)
    return None


def _play(history: History, cluster: Cluster) -> None:
    for step in history.steps:
        if isinstance(step, Told):
            cluster.tell(step)
        else:
            cluster.pump()
    cluster.settle()
    _good_ones_took_effect(cluster, history)
    cluster.tick_all()
    if history.commutes:
        for rest in AT_REST:
            rest(cluster)
    cluster.pass_days(END_DAYS)
    for running in cluster.all:
        if running.store.parked or running.store.unpublished:
            raise Broken("everything-has-ended", f"{running.service.name} waits for ever")


def effect_of(good: Told) -> tuple[str, type, Key]:
    """Return the service, the kind and the key of the row that a good event leaves behind."""
    event_id = (dict(good.record.headers)["ce_id"] or b"").decode()
    name, _, made_by = event_id.rpartition("_")
    match made_by:
        case "received":
            return "inventory", Stock, (name, MUG)
        case "described":
            return "attribution", Item, name
        case "submitted":
            return "order", Order, name
        case _:
            return "returns", Purchase, f"{name}-placed"


def _good_ones_took_effect(cluster: Cluster, history: History) -> None:
    """Whatever came before it on its partition, a good event takes effect."""
    for step in history.steps:
        if isinstance(step, Told) and step.stays:
            service, kind, key = effect_of(step)
            if key not in cluster.watch.stores[service].rows[kind]:
                raise Broken("nothing-blocks", f"{service} has no {kind.__name__} {key}, which was told last")
