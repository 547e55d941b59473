"""What a batch needs of the engine, and how a worker process gets one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from suggester.config import Settings
from suggester.types import Note, Suggestions

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

    return load(settings)
