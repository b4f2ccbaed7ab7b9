"""The five services in memory, as `tekil play` makes them where no setting says otherwise."""

from datetime import timedelta

from services.registry import all_services
from services.scenario import Simulated
from shared.engine.simulation import ManualClock, Simulation
from shared.runtime.settings import EMBEDDED_PICKUP_SECRET, Settings

SETTINGS = Settings(pickup_secret=EMBEDDED_PICKUP_SECRET)
"""Pickup codes stand in the scenarios, so they are made with the secret that is the same everywhere."""
SERVICES = all_services(SETTINGS)
"""They hold no state, so every simulation may use the same ones."""


def simulated() -> tuple[Simulated, ManualClock]:
    """Return a machine on which nothing has happened yet, and its clock."""
    clock = ManualClock()
    patience = timedelta(seconds=SETTINGS.parked_max_age_s)
    return Simulated(Simulation(SERVICES, clock, parked_max_age=patience)), clock
