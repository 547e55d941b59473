"""Import spaCy without what this package never runs.

``import spacy`` also imports its command line, and with it a project manager and two HTTP clients (no note
should come near one); a YAML reader and writer; and the first pydantic beside the second, for the schemas
that old configurations have. Together they are more than half of spaCy's import time. All of them can
still be imported and called afterwards.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any

_CLI = ("spacy.cli", "spacy.cli.info")
_YAML = "srsly._yaml_api"
_YAML_NAMES = ("read_yaml", "write_yaml", "yaml_dumps", "yaml_loads", "is_yaml_serializable")
_PYDANTIC_1 = "pydantic.v1"
_WITHOUT_PYDANTIC_1 = 1
"""From this version on ``confection`` does without it: on Python 3.14, and wherever it is not installed."""


class _Later:
    """A function that is imported when it is called.

    Parameters
    ----------
    module, name
        Where it is defined.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self.__name__ = name

    def __call__(self, *args: Any, **values: Any) -> Any:
        return getattr(import_module(self._module), self.__name__)(*args, **values)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Work without collecting garbage, where many objects are made and no cycles of them.

    Threads may do so side by side: who finds it off already leaves it alone, so that it is not off for good.
    """
    collecting = gc.isenabled()
    try:
        if collecting:
            gc.disable()
        yield
    finally:
        if collecting:
            gc.enable()


def start_spacy() -> None:
    """Import spaCy; what it does not need is left to be imported when somebody asks for it.

    Does nothing where spaCy is imported already. Afterwards ``import spacy.cli``, ``srsly.read_yaml`` and
    ``import pydantic.v1`` find the real thing.
    """
    if "spacy" in sys.modules or any(name in sys.modules for name in _CLI):
        return
    package, info = (ModuleType(name) for name in _CLI)
    package.__path__ = []
    info.info = _Later("spacy.cli.info", "info")  # type: ignore[attr-defined]
    absent: dict[str, ModuleType | None] = dict(zip(_CLI, (package, info), strict=True))
    without_yaml = "srsly" not in sys.modules
    if without_yaml:
        absent[_YAML] = yaml = ModuleType(_YAML)
        vars(yaml).update({name: _Later(_YAML, name) for name in _YAML_NAMES})
    if _PYDANTIC_1 not in sys.modules and int(version("confection").partition(".")[0]) >= _WITHOUT_PYDANTIC_1:
        absent[_PYDANTIC_1] = None
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        with without_collecting():
            import spacy
    finally:
        for name in absent:
            sys.modules.pop(name, None)
    vars(spacy).pop("cli", None)
    if without_yaml:
        vars(sys.modules["srsly"]).pop("_yaml_api", None)
