"""The business "no"s of fulfilment."""

from shared.kernel.decision import Refused


class OrderUnknown(Refused):
    """No store has anything to do for this order."""


class LineUnknown(Refused):
    """The store's task has no such line."""


class WrongLocation(Refused):
    """This location has nothing to pick for this order; another one has."""


class NothingToPick(Refused):
    """Nothing is left to pick: it was picked, found short or cancelled before."""


class MoreThanAsked(Refused):
    """More pieces are reported than are still to be picked."""


class WrongStore(Refused):
    """This order waits in another store."""


class NotReady(Refused):
    """The order is still being picked."""


class WrongCode(Refused):
    """The pickup code is wrong."""


class TooManyWrongCodes(Refused):
    """Too many wrong codes were shown; please wait a quarter of an hour."""


class AlreadyCollected(Refused):
    """All of it was handed over before."""


class AlreadyCancelled(Refused):
    """Nothing waits here any more: it was cancelled, or could not be found."""


class PickupExpired(Refused):
    """The time to collect it has passed, and it went back to the shelf."""


class MoreThanReady(Refused):
    """More pieces are asked for than are ready."""
