"""Why pieces are cancelled and money goes back, worded once like the refusals."""

from shared.kernel.decision import Refused


class CustomerRequest(Refused):
    """The customer asked to cancel."""


class AssociateRequest(Refused):
    """An associate asked to cancel."""


class HoldExpired(Refused):
    """It was not picked in time."""


class ShortPick(Refused):
    """It was not on the shelf."""


class NotCollected(Refused):
    """Nobody collected it in time."""


class OrderRejected(Refused):
    """The order was not taken on."""
