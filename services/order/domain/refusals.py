"""Every "no" of the order service, worded once. The class name is the slug."""

from shared.kernel.decision import Refused


class OrderIdTaken(Refused):
    """Another order has this id already."""


class SumsDoNotAddUp(Refused):
    """The amounts do not add up."""


class LineIdRepeated(Refused):
    """Two lines have the same id."""


class MethodNotOffered(Refused):
    """This way of getting the goods is not offered."""


class PickupLocationMissing(Refused):
    """No store to collect in is named."""


class PickupNotPossibleThere(Refused):
    """Nothing can be collected at this location."""


class LocationUnknown(Refused):
    """Nobody has described this location."""


class StockUnavailable(Refused):
    """There is not enough stock."""


class OrderUnknown(Refused):
    """There is no such order."""


class LineUnknown(Refused):
    """The order has no such line."""


class MoreThanOpen(Refused):
    """Fewer pieces than that are still open."""


class AlreadyCollected(Refused):
    """The customer has it already."""


class AlreadyCancelled(Refused):
    """It is cancelled already."""
