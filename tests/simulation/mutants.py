"""Planting a bug for a while: proof that the simulation would find it. Nothing of this is in the services."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.simulation.campaign import stage


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug: what the services would do wrong, and what is put in whose place."""

    name: str
    says: str
    plants: tuple[tuple[Any, str, Any], ...]
    """Owner, attribute and what it becomes."""

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Plant the bug for a while, in services that are declared anew."""
        kept = [(owner, name, vars(owner)[name]) for owner, name, _ in self.plants]
        for owner, name, bug in self.plants:
            setattr(owner, name, bug)
        stage.cache_clear()
        try:
            yield
        finally:
            for owner, name, good in kept:
                setattr(owner, name, good)
            stage.cache_clear()
