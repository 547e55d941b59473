"""Import spaCy without its command line.

``import spacy`` also imports ``spacy.cli`` and with it a project manager and two HTTP clients: more than a
third of spaCy's import time, for commands that this package never runs (and no note should come near an HTTP
client).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_NAMES = ("spacy.cli", "spacy.cli.info")


def start_spacy() -> None:
    """Import spaCy; its command line is left to be imported when somebody asks for it.

    Does nothing where spaCy is imported already. Afterwards ``import spacy.cli`` finds the real thing.
    """
    if "spacy" in sys.modules or any(name in sys.modules for name in _NAMES):
        return
    package, info = (ModuleType(name) for name in _NAMES)
    package.__path__ = []
    info.info = _info  # type: ignore[attr-defined]
    sys.modules.update(zip(_NAMES, (package, info), strict=True))
    try:
        import spacy
    finally:
        for name in _NAMES:
            sys.modules.pop(name, None)
    vars(spacy).pop("cli", None)


def _info(*args: Any, **values: Any) -> Any:
    """``spacy.info``, imported when it is called."""
    from spacy.cli.info import info

    return info(*args, **values)
