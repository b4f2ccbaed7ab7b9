"""Hostile histories: good and spoilt events of one small world, drawn from a seed, and good ones after them."""

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random

from shared.engine.message import CONTENT_TYPE, Outgoing
from shared.events.catalogue import CATALOGUE
from shared.events.channel import OrderSubmitted, RequestedLine
from shared.events.event import Event
from shared.events.operations import StockReceived
from shared.events.order import OrderPlaced, PlacedLine
from shared.events.reference import ItemDescribed
from shared.events.structured import key_of
from tests.hostile.fitting import MOMENTS, NEIGHBOURS, OUTSIDE, fitting
from tests.hostile.spoiling import SPOILS, Draft
from tests.simulation.bus import PARTITIONS, place_of
from tests.simulation.steps import History, Step, Turn
from tests.simulation.world import DAWN, MUG, NORTH, WEB, Told, told

TOLD_MIN, TOLD_MAX = 4, 40
JOURNEY = ("order.submitted", "pick.completed", "pickup.handed_over")
JOURNEY_PERCENT = 50
"""Of orders that are told the whole way, with all the rest in between."""
ORDERS = 2
"""Orders that a history is about."""
SHOWN_CHARS = 300
SPOILT_PERCENT = 40
"""Of messages that are spoilt, in one way or two; the others fit, and are hostile only in what they mean."""
NEIGHBOURS_PERCENT = 35
"""Of histories in which services of Tekil's own seem to have gone mad, too."""
REPEATED_PERCENT = 8
BATCH_PERCENT = 25
PAUSE_S = (0, 0, 1, 60, 3600)
RECORD_BYTES_MAX = 1_000_000
"""More than that no broker takes as it comes out of the box."""
GOOD = "good-"
"""How the ids of those events begin that must take effect whatever came before them."""


def generate(seed: int) -> History:
    """Return the history of a seed: `commutes` says that only the world outside was hostile."""
    random = Random(seed)
    outside_only = random.randrange(100) >= NEIGHBOURS_PERCENT
    kinds = OUTSIDE if outside_only else OUTSIDE + NEIGHBOURS
    orders = tuple(f"o-{seed}-{number}" for number in range(ORDERS))
    steps: list[Step] = []
    at_s = 0
    for number, (kind, about) in enumerate(_plan(kinds, orders, random)):
        at_s += random.choice(PAUSE_S)
        draft = _draft(kind, f"{seed}-{number}", random, about)
        said = _repeated(steps, random, at_s) or _told(draft, random, at_s)
        if size_of(said.record) > RECORD_BYTES_MAX:
            continue
        steps.append(said)
        if random.randrange(100) < BATCH_PERCENT:
            steps.append(Turn("pump", 0, 0))
    steps += good_ones(seed, at_s, own_topics=not outside_only)
    return History(seed, tuple(steps), outside_only)


def _plan(kinds: Sequence[str], orders: tuple[str, ...], random: Random) -> list[tuple[str, tuple[str, ...]]]:
    """Return which types are told, each about one of these orders: chance alone takes few orders to their end."""
    plan = [(random.choice(kinds), orders) for _ in range(random.randint(TOLD_MIN, TOLD_MAX))]
    for order in orders:
        if random.randrange(100) < JOURNEY_PERCENT:
            places = sorted(random.randint(0, len(plan)) for _ in JOURNEY)
            for place, kind in reversed([*zip(places, JOURNEY, strict=True)]):
                plan.insert(place, (kind, (order,)))
    return plan


def _told(draft: Draft, random: Random, at_s: int) -> Told:
    """Return a draft as it is published, spoilt or not."""
    kind = dict(draft.headers)["ce_type"] or b""
    spoils = random.choices(SPOILS, k=random.choice((1, 1, 2))) if random.randrange(100) < SPOILT_PERCENT else []
    for spoil in spoils:
        spoil(draft, random)
    record = draft.record()
    how = ", ".join((spoil.__doc__ or "").rstrip(".") for spoil in spoils)
    return Told(at_s, record, f"{kind.decode()}: {how or 'as it should be'}\n      {shown(record)}")


def _draft(kind: str, event_id: str, random: Random, orders: tuple[str, ...]) -> Draft:
    event, data = CATALOGUE[kind], fitting(kind, random, orders)
    source = "/world" if kind in OUTSIDE else f"/tekil/{event.TOPIC.split('.')[1].replace('availability', 'inventory')}"
    time = random.choice(("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z", *MOMENTS))
    headers: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", time.encode()),
        (CONTENT_TYPE, b"application/json"),
    ]
    return Draft(event.TOPIC, key_of({"type": kind, "data": data}).encode(), data, headers)


def _repeated(steps: list[Step], random: Random, at_s: int) -> Told | None:
    """Return something that was told before, the same or with another's id; mostly nothing."""
    before = [step for step in steps if isinstance(step, Told)]
    if not before or random.randrange(100) >= REPEATED_PERCENT:
        return None
    again, other = random.choice(before), random.choice(before)
    record = again.record
    if random.random() < 0.5:
        taken = dict(other.record.headers).get("ce_id")
        headers = tuple((name, taken if name == "ce_id" else value) for name, value in record.headers)
        record = Outgoing(record.topic, record.key, record.value, headers)
    return Told(at_s, record, f"told again, maybe with the id of another\n      {shown(record)}")


def good_ones(seed: int, at_s: int, *, own_topics: bool) -> Iterator[Told]:
    """Yield a good event for each partition of each topic, which takes effect if nothing before it blocks."""
    makers = (_received, _described, _submitted, *((_placed,) if own_topics else ()))
    for make in makers:
        left = set(range(PARTITIONS))
        for number in count():
            name = f"{GOOD}{seed}-{number}"
            good = told(make(name), f"{name}{make.__name__}", at_s=at_s, stays=True)
            if (partition := place_of(good.record)[1]) in left:
                left.remove(partition)
                yield good
            if not left:
                break


def _received(name: str) -> Event:
    return StockReceived(location_id=name, sku=MUG, quantity=7)


def _described(name: str) -> Event:
    return ItemDescribed(sku=name, name=name, brand="atelier", standard_cost_minor=1, currency="EUR")


def _submitted(name: str) -> Event:
    line = RequestedLine(
        line_id="1", sku=name, quantity=1, gross_minor=0, net_minor=0, method="pickup", pickup_location_id=NORTH
    )
    return OrderSubmitted(
        order_id=name, channel="web", brand="atelier", capture_location_id=WEB, currency="EUR", lines=(line,)
    )


def _placed(name: str) -> Event:
    line = PlacedLine(line_id="1", sku=name, quantity=1, gross_minor=0, net_minor=0, method="pickup", location_id=NORTH)
    return OrderPlaced(
        order_id=f"{name}-placed", channel="web", brand="atelier", capture_location_id=WEB, currency="EUR",
        lines=(line,), placed_at=DAWN,
    )  # fmt: skip


def size_of(record: Outgoing) -> int:
    """Return how many bytes a record has, without what Kafka needs around them."""
    headers = sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def shown(record: Outgoing) -> str:
    """Return a record in words, shortened."""
    value = repr(record.value)[:SHOWN_CHARS]
    headers = {name: (text or b"")[:60] if text is not None else None for name, text in record.headers[:12]}
    return f"{record.topic} key={(record.key or b'')[:60]!r} {headers} {value}"
