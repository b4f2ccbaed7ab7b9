"""A replay on a real Kafka and PostgreSQL: all is accounted for, the books agree, and a repetition changes nothing."""

from collections.abc import AsyncIterator

import pytest

from services.commands.replaying import replay
from services.mesh import Mesh, running
from services.replay.dataset import read_baskets, read_own_stores, read_products
from services.replay.habits import Chance, Habits
from services.replay.plan import plan
from services.replay.purchase import World
from services.replay.replay import Options, Progress
from services.report.report import Report
from shared.runtime.settings import Settings
from tests.mesh.place import SETTINGS, Place

BASKETS = 40


@pytest.fixture
async def mesh(place: Place, postgres: str) -> AsyncIterator[Mesh]:
    named = "".join(character for character in place.prefix if character.isalnum())
    settings: Settings = SETTINGS.model_copy(
        update={"topic_prefix": place.prefix, "postgres_prefix": f"tekil_{named}_"}
    )
    async with running(Mesh(settings, bootstrap=place.bootstrap, postgres=postgres)) as mesh:
        yield mesh


def fates(report: Report) -> tuple[int, int]:
    return sum(each.count for each in report.lines), sum(each.count for each in report.orders)


def words_of_the_world() -> int:
    """Return how many records the world publishes before anybody answers."""
    days = plan(read_baskets(BASKETS), World(Chance(1), Habits(), read_own_stores()), read_products())
    return sum(len(day.described) + len(day.delivered) + len(day.purchases) for day in days)


async def test_a_replay_is_accounted_for_and_its_books_agree(mesh: Mesh) -> None:
    told: list[Progress] = []
    report = await replay(mesh, Options(baskets=BASKETS), told.append)
    visits = list(read_baskets(BASKETS))
    assert fates(report) == (sum(len(visit.lines) for visit in visits), sum(bool(visit.sold) for visit in visits))
    assert {each.outcome for each in report.orders} <= {"completed", "cancelled", "rejected"}
    assert report.dead_letters == {}
    assert report.drift.is_zero_drift
    assert report.drift.net_minor == {"USD": report.net_minor}
    assert sum(each.net_minor for each in report.net_by_store) == report.net_minor
    assert sum(each.amount_minor for each in report.credit) == report.net_minor
    assert {each.role for each in report.credit} == {"capture", "trial", "fulfil", "handover"}
    assert sum(each.amount_minor for each in report.associates) == report.net_minor
    assert told[-1].orders_settled == report.orders_sent

    again = await replay(mesh, Options(baskets=BASKETS), told.append)
    assert {each.why for each in again.orders} == {"not-answered"}
    assert again.messages == words_of_the_world(), "and no service said a word"
    assert (again.net_by_day, again.credit, again.drift) == (report.net_by_day, report.credit, report.drift)
