"""What a member is given of the settings, and of its service."""

import pytest

from services.attribution.service import attribution
from services.order.service import order
from services.registry import EMBEDDED_FETCH_WAIT_MS, all_services, new_member
from shared.engine.member import FETCH_WAIT_MS, Member
from shared.engine.service import Service
from shared.runtime.settings import Settings

KAFKA = "kafka:9092"


def member(service: Service, settings: Settings, bootstrap: str = KAFKA) -> Member:
    return new_member(service, settings, bootstrap=bootstrap, postgres="postgresql://nobody@nowhere")


async def test_who_answers_a_customer_waits_less_for_company_than_who_keeps_books() -> None:
    settings = Settings(kafka=KAFKA)
    services = {service.name: service for service in all_services(settings)}
    intervals = {name: member(service, settings).limits.batch_interval_s for name, service in services.items()}
    waited_for = dict.fromkeys(("order", "inventory"), 0.015)
    assert intervals == {**dict.fromkeys(services, 0.15), **waited_for}


@pytest.mark.parametrize("milliseconds", [0, 40])
async def test_an_interval_that_is_set_holds_for_every_service(milliseconds: int) -> None:
    settings = Settings(kafka=KAFKA, batch_interval_ms=milliseconds)
    intervals = {member(service(), settings).limits.batch_interval_s for service in (order, attribution)}
    assert intervals == {milliseconds / 1000}


async def test_a_fetch_waits_long_save_at_the_embedded_kafka_which_does_not_end_it_for_a_record() -> None:
    settings = Settings(kafka=KAFKA)
    assert member(order(), settings).limits.fetch_wait_ms == FETCH_WAIT_MS
    assert member(order(), settings, bootstrap="127.0.0.1:1").limits.fetch_wait_ms == EMBEDDED_FETCH_WAIT_MS
