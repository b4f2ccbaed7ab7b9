"""The five plain services."""

from tests.bench.naive.attribution import ATTRIBUTION
from tests.bench.naive.fulfilment import FULFILMENT
from tests.bench.naive.inventory import INVENTORY
from tests.bench.naive.order import ORDER
from tests.bench.naive.returns import RETURNS
from tests.bench.naive.shell import Plain

PLAIN: dict[str, Plain] = {each.name: each for each in (ORDER, INVENTORY, FULFILMENT, RETURNS, ATTRIBUTION)}
