"""Suggester: clinical notes in; ranked, explained and checked billing codes out, for a human coder to decide.

>>> import suggester
>>> engine = suggester.load()  # doctest: +SKIP
>>> result = engine.suggest(suggester.Note(id="n1", text="Assessment: type 2 diabetes."))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suggester.types import Note, Suggestion, Suggestions
from suggester.version import __version__

if TYPE_CHECKING:
    from suggester.config import Settings
    from suggester.suggest import Suggester

__all__ = ["Note", "Suggestion", "Suggestions", "__version__", "load"]


def load(settings: Settings | None = None, **values: Any) -> Suggester:
    """Open code sets and model and return the engine; see ``suggester.suggest.load``."""
    from suggester.suggest import load as load_engine

    return load_engine(settings, **values)
