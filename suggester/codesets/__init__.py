"""Code sets: releases compiled into stores, served by service date."""

from suggester.codesets.build import build_all, installed
from suggester.codesets.catalog import Catalog, ReleaseSet, open_catalog
from suggester.codesets.importing import import_files, import_icd10cm, imports, revert_import
from suggester.codesets.releases import Release
from suggester.codesets.search import SearchHit

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
