"""The business "no"s of fulfilment."""

from shared.kernel.decision import Refused


class OrderUnknown(Refused):
    """No store has anything to do for this order.

    Look at the order id. If it is right, the order was not confirmed within `TEKIL_PARKED_MAX_AGE_S`.
    """


class LineUnknown(Refused):
    """The store's task has no such line.

    Look at the line ids of `fulfilment.created`.
    """


class WrongLocation(Refused):
    """This location has nothing to pick for this order; another one has.

    Report the pick for the location in `fulfilment.created`.
    """


class NothingToPick(Refused):
    """Nothing is left to pick: it was picked, found short or cancelled before.

    Put the pieces back on the shelf.
    """


class MoreThanAsked(Refused):
    """More pieces are reported than are still to be picked.

    Report what was asked for, and put the others back.
    """


class WrongStore(Refused):
    """This order waits in another store.

    Send the customer to the store in `fulfilment.ready_for_pickup`.
    """


class NotReady(Refused):
    """The order is still being picked.

    Finish picking and report it, then hand over.
    """


class WrongCode(Refused):
    """The pickup code is wrong.

    Ask for the code of this order and this store again; O and 0, I, L and 1 are the same.
    """


class TooManyWrongCodes(Refused):
    """Too many wrong codes were shown; please wait a quarter of an hour.

    Wait, or use another till; look who guesses.
    """


class AlreadyCollected(Refused):
    """All of it was handed over before.

    Look who collected it: `fulfilment.collected` names the associate.
    """


class AlreadyCancelled(Refused):
    """Nothing waits here any more: it was cancelled, or could not be found.

    Nothing can be handed over: the refund is requested.
    """


class PickupExpired(Refused):
    """The time to collect it has passed, and it went back to the shelf.

    Nothing can be handed over: the refund is requested. The customer orders again.
    """


class MoreThanReady(Refused):
    """More pieces are asked for than are ready.

    Hand over what is ready.
    """
