"""Returns, declared: which message goes to which decision, and the rows that it needs."""

from services.returns.domain.buy import buy
from services.returns.domain.state import Purchase
from services.returns.domain.take_home import take_home
from services.returns.store import ROWS, metadata
from shared.engine.service import Service, on, one
from shared.events.fulfilment import FulfilmentCollected
from shared.events.order import OrderPlaced


def returns() -> Service:
    """Return the returns service."""
    its_purchase = one("purchase", Purchase, lambda event: event.order_id)
    return Service(
        name="returns",
        metadata=metadata,
        rows=ROWS,
        batch_interval_s=0.15,
        handlers=(
            on(OrderPlaced, buy, its_purchase),
            on(FulfilmentCollected, take_home, its_purchase),
        ),
    )
