"""What a reconciliation says of what services have read and not decided."""

from services.commands.unsettled import still_unsettled
from shared.engine.looking import Unsettled

OF_SERVICES = {"order": Unsettled(3, 2), "inventory": Unsettled(0, 0), "returns": Unsettled(0, 1)}


def test_where_books_differ_what_is_not_decided_may_be_why() -> None:
    assert still_unsettled(OF_SERVICES, drifts=True) == [
        "order: 3 dead letters open, 2 messages parked: differences may be theirs",
        "returns: 0 dead letters open, 1 message parked: differences may be theirs",
    ]


def test_where_nothing_differs_it_is_counted_all_the_same() -> None:
    assert still_unsettled(OF_SERVICES, drifts=False) == [
        "order: 3 dead letters open, 2 messages parked",
        "returns: 0 dead letters open, 1 message parked",
    ]
