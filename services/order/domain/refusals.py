"""Every "no" of the order service, worded once. The class name is the slug."""

from shared.kernel.decision import Refused


class OrderIdTaken(Refused):
    """Another order has this id already.

    Give every order an id of its own. Of an order: look whether its payment was taken twice. Of a sale: look at the
    till.
    """


class SumsDoNotAddUp(Refused):
    """The amounts do not add up.

    Correct the sums where they are made. Of an order: find out what was paid and give it back by hand. Of a sale:
    send it corrected under a new id.
    """


class LineIdRepeated(Refused):
    """Two lines have the same id.

    Number the lines of an order, and send it again under a new order id; a sale under a new event id.
    """


class MethodNotOffered(Refused):
    """This way of getting the goods is not offered.

    Offer collection in a store; other ways are not there yet.
    """


class PickupLocationMissing(Refused):
    """No store to collect in is named.

    Name a `pickup_location_id` for every line.
    """


class PickupNotPossibleThere(Refused):
    """Nothing can be collected at this location.

    Offer stores to collect in, not the web shop.
    """


class LocationUnknown(Refused):
    """Nobody has described this location.

    Publish `location.described`, then let the customer order again under a new order id.
    """


class StockUnavailable(Refused):
    """There is not enough stock.

    Offer another store or another item; the stock is sold or kept for others.
    """


class OrderUnknown(Refused):
    """There is no such order.

    Look at the order id: nothing was submitted under it.
    """


class LineUnknown(Refused):
    """The order has no such line.

    Look at the line ids of `order.placed`.
    """


class MoreThanOpen(Refused):
    """Fewer pieces than that are still open.

    Ask for fewer pieces: the others are handed over or cancelled.
    """


class AlreadyCollected(Refused):
    """The customer has it already.

    Nothing can be cancelled any more: the customer brings it back.
    """


class AlreadyCancelled(Refused):
    """It is cancelled already.

    Nothing: its refund is requested.
    """
