"""Some hundred purchases of all kinds, in phases: what the world says in one needs no answer from the same one."""

from itertools import chain

from shared.engine.message import Outgoing
from tests.mesh.world import SKUS, SOLD_OUT, STORES, cancellation, handed_over, picked, reference, sale, submitted

SALES, ORDERS = 100, 200
KINDS = (
    "collected",
    "from two stores",
    "cancelled",
    "short",
    "sold out",
    "sold out in part",
    "sums off",
    "wrong code",
    "cancelled when ready",
    "not found",
)

Phase = list[Outgoing]


def phases() -> list[Phase]:
    """Return all that the world says: reference data, purchases, work in stores, handovers, and what comes too late."""
    stories = [_story(number) for number in range(ORDERS)]
    return [reference(), _sales() + _all(stories, 0), _all(stories, 1), _all(stories, 2), _all(stories, 3)]


def _all(stories: list[list[Phase]], phase: int) -> Phase:
    return list(chain.from_iterable(story[phase] for story in stories))


def _sales() -> Phase:
    return [sale(f"till-{n:03}", STORES[n % 2], (SKUS[n % 3], 1 + n % 2), (SKUS[(n + 1) % 3], 1)) for n in range(SALES)]


def _story(number: int) -> list[Phase]:
    """Return what happens to one order of the web shop: it is placed, worked on, handed over, and asked about again."""
    order, kind = f"web-{number:03}", KINDS[number % len(KINDS)]
    here, there = STORES[number // 10 % 2], STORES[(number // 10 + 1) % 2]
    two, one = (SKUS[number % 3], 2, here), (SKUS[(number + 1) % 3], 1, there)
    both, gone = ("1", 2, 0), (SOLD_OUT, 1, here)
    plain, ready = [submitted(order, two)], [picked(order, here, both)]
    match kind:
        case "collected":
            return [plain, ready, [handed_over(order, here)], [cancellation(order)]]
        case "from two stores":
            work = [*ready, picked(order, there, ("2", 1, 0))]
            parts = [handed_over(order, here, ("1", 1)), handed_over(order, there)]
            return [[submitted(order, two, one)], work, parts, [handed_over(order, here, attempt="/rest")]]
        case "cancelled":
            return [plain, [cancellation(order)], [handed_over(order, here)], []]
        case "short":
            return [plain, [picked(order, here, ("1", 1, 1))], [handed_over(order, here)], []]
        case "sold out":
            return [[submitted(order, two, gone)], [cancellation(order)], [], []]
        case "sold out in part":
            return [[submitted(order, two, gone, when_short="reject_line")], ready, [handed_over(order, here)], []]
        case "sums off":
            return [[submitted(order, two, off_minor=1)], [cancellation(order)], [], []]
        case "wrong code":
            wrong = [handed_over(order, here, code="000000", attempt="/wrong"), handed_over(order, there)]
            return [plain, ready, [*wrong, handed_over(order, here)], [handed_over(order, here, attempt="/again")]]
        case "cancelled when ready":
            return [plain, ready, [cancellation(order, ("1", 1))], [handed_over(order, here)]]
        case _:
            return [plain, [picked(order, here, ("1", 0, 2))], [], [cancellation(order)]]
