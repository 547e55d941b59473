"""What a batch needs of the engine, and how a worker process gets one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Protocol

from suggester.config import Settings
from suggester.types import Note, Suggestions

_ALLOCATIONS = 20_000
"""New values after which a worker looks for cycles among them."""

__all__ = ["Engine", "EngineFactory", "load_engine"]


class Engine(Protocol):
    """Anything that makes suggestions of a note: ``suggester.suggest.Suggester``, or a fake in a test."""

    def suggest(self, note: Note) -> Suggestions:
        """Make the suggestions of one note."""
        ...


type EngineFactory = Callable[[Settings], Engine]
"""Makes an engine of settings. Worker processes import it by name, so it is a function of a module."""


def load_engine(settings: Settings) -> Engine:
    """Load the engine of this installation."""
    # Imported here so that a parent process that only hands out work never loads it.
    from suggester.suggest import load

    engine = load(settings)
    # Notes leave no cycles behind: what is loaded is not looked through again, and what is new less often.
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *gc.get_threshold()[1:])
    return engine
