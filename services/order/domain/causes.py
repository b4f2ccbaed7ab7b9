"""Why pieces are cancelled and money goes back, worded once like the refusals."""

from shared.kernel.decision import Refused


class CustomerRequest(Refused):
    """The customer asked to cancel.

    Nothing: the refund is requested where something was paid.
    """


class AssociateRequest(Refused):
    """An associate asked to cancel.

    Nothing: the refund is requested where something was paid.
    """


class HoldExpired(Refused):
    """It was not picked in time.

    Look at the store, which picks too late, or lengthen `TEKIL_HOLD_TTL_S`.
    """


class ShortPick(Refused):
    """It was not on the shelf.

    Count that stock in that store.
    """


class NotCollected(Refused):
    """Nobody collected it in time.

    Put the pieces back on the shelf.
    """


class OrderRejected(Refused):
    """The order was not taken on.

    Pay the refund; why is in `order.rejected`.
    """
