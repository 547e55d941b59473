"""Code sets: releases compiled into stores, served by service date."""

from importlib import import_module
from typing import TYPE_CHECKING

from suggester.codesets.build import build_all, installed
from suggester.codesets.catalog import Catalog, ReleaseSet, open_catalog
from suggester.codesets.releases import Release
from suggester.codesets.search import SearchHit

if TYPE_CHECKING:
    from suggester.codesets.importing import import_files, import_icd10cm, imports, revert_import

__all__ = [
    "Catalog",
    "Release",
    "ReleaseSet",
    "SearchHit",
    "build_all",
    "import_files",
    "import_icd10cm",
    "imports",
    "installed",
    "open_catalog",
    "revert_import",
]


def __getattr__(name: str) -> object:
    """What takes imports is loaded when it is asked for: who suggests codes needs none of it."""
    if name not in ("import_files", "import_icd10cm", "imports", "revert_import"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("suggester.codesets.importing"), name)
