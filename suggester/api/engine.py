"""The engine behind the service: loaded when first needed, one note at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from suggester.api.jobs import Reader
from suggester.types import Note, Suggestions

__all__ = ["Engine"]


class Engine:
    """Loads once, and lets one thread in at a time: readers keep memories that threads must not share."""

    def __init__(self, load: Callable[[], Reader]) -> None:
        self._load = load
        self._reader: Reader | None = None
        self._lock = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether the engine is in memory."""
        return self._reader is not None

    def suggest(self, note: Note) -> Suggestions:
        """Suggestions for a note."""
        with self._lock:
            if self._reader is None:
                self._reader = self._load()
            return self._reader.suggest(note)
