"""The five services, made from the settings."""

from datetime import UTC, datetime, timedelta

from services.attribution.service import attribution
from services.fulfilment.service import fulfilment
from services.inventory.service import inventory
from services.order.service import order
from services.returns.service import returns
from shared.engine.engine import Clock
from shared.engine.member import FETCH_WAIT_MS, Check, Limits, Member, no_check
from shared.engine.service import Service
from shared.engine.tracing import tracing
from shared.runtime.settings import Settings

EMBEDDED_FETCH_WAIT_MS = 20
"""The embedded Kafka answers a fetch when its wait is over, and not when a record comes."""
NAMES = ("order", "inventory", "fulfilment", "returns", "attribution")


def all_services(settings: Settings) -> tuple[Service, ...]:
    """Return the services in the order of their names above."""
    return (
        order(),
        inventory(hold_ttl=timedelta(seconds=settings.hold_ttl_s)),
        fulfilment(pickup_secret=settings.pickup_secret.get_secret_value().encode()),
        returns(),
        attribution(),
    )


def new_member(
    service: Service,
    settings: Settings,
    *,
    bootstrap: str,
    postgres: str,
    clock: Clock | None = None,
    check: Check = no_check,
) -> Member:
    """Return a member of a service, as set, that was not started yet. `postgres` is a base URL without a database."""
    return Member(
        service,
        database=f"{postgres}/{settings.database(service.name)}",
        bootstrap=bootstrap,
        prefix=settings.topic_prefix,
        limits=_limits(settings, service, bootstrap),
        clock=clock or (lambda: datetime.now(UTC)),
        tracing=tracing(service.name, settings.otlp_endpoint),
        check=check,
    )


def _limits(settings: Settings, service: Service, bootstrap: str) -> Limits:
    interval_ms = settings.batch_interval_ms
    fetch_wait_ms = FETCH_WAIT_MS if bootstrap == settings.kafka else EMBEDDED_FETCH_WAIT_MS
    return Limits(
        fetch_wait_ms=fetch_wait_ms,
        batch_max=settings.batch_max,
        batch_interval_s=service.batch_interval_s if interval_ms is None else interval_ms / 1000,
        relay_batch_max=settings.relay_batch_max,
        tick_interval_s=settings.tick_interval_ms / 1000,
        backoff_min_s=settings.retry_backoff_min_s,
        backoff_max_s=settings.retry_backoff_max_s,
        parked_max_age=timedelta(seconds=settings.parked_max_age_s),
    )
