"""What the world makes of single records."""

from services.replay.habits import Chance, Habits
from services.replay.hearing import hear
from services.replay.ledger import Ledger
from services.replay.staff import People
from shared.engine.message import Outgoing
from shared.events.fulfilment import FulfilmentCreated, TaskLine
from tests.unit.replay.baskets import BOUGHT_AT

PEOPLE = People(Chance(1), Habits())


def test_what_a_service_sets_aside_is_counted_by_its_reason() -> None:
    ledger = Ledger()
    letter = Outgoing("tekil.order.v1.returns.dlq", b"cj-1-9", None, (("tekil_dlq_reason", b"null-value"),))
    assert hear([letter, letter], PEOPLE, ledger) == []
    assert ledger.dead_letters == {"null-value": 2}


def test_nobody_picks_the_order_of_somebody_else() -> None:
    milk = TaskLine(line_id="1", sku="sku-1", quantity=1)
    created = FulfilmentCreated(order_id="WEB-1001", location_id="store-408", lines=(milk,), pick_by=BOUGHT_AT)
    record = Outgoing(
        FulfilmentCreated.TOPIC, b"WEB-1001", created.model_dump_json().encode(), (("ce_type", created.TYPE.encode()),)
    )
    assert hear([record], PEOPLE, Ledger()) == []
