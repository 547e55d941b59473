"""The door to the code sets: releases by service date, look-up, hierarchy, notes and search."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from suggester.codesets.build import build_all, ensure_index, outdated
from suggester.codesets.licence import cpt_licensed
from suggester.codesets.procedures import ProcedureTables
from suggester.codesets.releases import Release, in_force, one_each
from suggester.codesets.search import Searcher, SearchHit
from suggester.codesets.store import ReleaseStore, open_stores
from suggester.codesets.terms import TermIndex
from suggester.config import Settings
from suggester.errors import NoReleaseError, StoreDamagedError, UnknownCodeError
from suggester.types import SYSTEMS, Code, System

log = logging.getLogger("suggester.codesets")


@dataclass(frozen=True)
class ReleaseSet:
    """One release of each system, in force together, with their term index."""

    icd10cm: ReleaseStore
    cpt: ReleaseStore
    hcpcs: ReleaseStore
    folder: Path

    def store(self, system: System) -> ReleaseStore:
        """The store of a system."""
        return {"ICD-10-CM": self.icd10cm, "CPT": self.cpt, "HCPCS": self.hcpcs}[system]

    @property
    def releases(self) -> tuple[Release, ...]:
        """The releases in the order of SYSTEMS."""
        return tuple(self.store(system).release for system in SYSTEMS)

    @cached_property
    def terms(self) -> TermIndex:
        """The term index over these releases; compiled first if it is missing, damaged or out of date."""
        stores = [self.store(system) for system in SYSTEMS]
        try:
            return TermIndex(ensure_index(self.folder, stores))
        except StoreDamagedError as error:
            log.warning("%s; rebuilding it", error)
            return TermIndex(ensure_index(self.folder, stores, force=True))

    @cached_property
    def searcher(self) -> Searcher:
        """Search over these releases."""
        return Searcher(self.terms, {system: self.store(system) for system in SYSTEMS})


_DAYS = 4_000
"""Days whose releases are kept once they were asked for."""


class Catalog:
    """All compiled releases side by side.

    Methods that take ``on`` use the release in force on that day; None means the newest release installed.

    Parameters
    ----------
    folder
        The store folder.
    stores
        Its opened releases.
    """

    def __init__(self, folder: Path, stores: Sequence[ReleaseStore]) -> None:
        self.folder = folder
        self.releases = tuple(store.release for store in stores)
        self._stores = {store.release.file_name: store for store in stores}
        self._sets: dict[tuple[str, ...], ReleaseSet] = {}
        self._on: dict[date | None, tuple[ReleaseSet, tuple[NoReleaseError, ...]]] = {}

    @cached_property
    def procedures(self) -> ProcedureTables:
        """What CMS says of services by day: pairs, units, global periods, charges."""
        return ProcedureTables(self.folder)

    @property
    def stores(self) -> tuple[ReleaseStore, ...]:
        """The opened releases, by system and first day."""
        return tuple(self._stores[release.file_name] for release in self.releases)

    def store(self, system: System, on: date | None = None) -> ReleaseStore:
        """The store of a system in force on a day.

        Raises
        ------
        NoReleaseError
            If no installed release covers the day.
        """
        return self._stores[in_force(self.releases, system, on).file_name]

    def release_set(self, on: date | None = None) -> tuple[ReleaseSet, tuple[NoReleaseError, ...]]:
        """The releases to code a note with, and what is missing.

        ICD-10-CM must cover the day. Where CPT or HCPCS do not, their newest release stands in so that words
        can be read, and the error is returned: codes of that system must not be suggested.

        Raises
        ------
        NoReleaseError
            If no ICD-10-CM release covers the day.
        """
        known = self._on.get(on)
        if known is None:
            chosen, missing = one_each(self.releases, on)
            if "ICD-10-CM" in missing:
                raise missing["ICD-10-CM"]
            if len(self._on) >= _DAYS:
                self._on.clear()
            known = self._on[on] = self._set_of(chosen), tuple(missing.values())
        return known

    def _set_of(self, chosen: Sequence[Release]) -> ReleaseSet:
        key = tuple(release.file_name for release in chosen)
        if key not in self._sets:
            icd10cm, cpt, hcpcs = (self._stores[name] for name in key)
            self._sets[key] = ReleaseSet(icd10cm=icd10cm, cpt=cpt, hcpcs=hcpcs, folder=self.folder)
        return self._sets[key]

    def lookup(self, system: System, code: str, on: date | None = None) -> Code:
        """One code; the dot may be left out and case does not matter.

        Raises
        ------
        UnknownCodeError
            If the release has no such code, or has it only on other days.
        NoReleaseError
            If no release covers the day.
        """
        store = self.store(system, on)
        found = store.code(store.row(code))
        if on is not None and on < found.valid_from:
            raise UnknownCodeError(f"{system} code {found.code} is not valid before {found.valid_from}")
        if on is not None and found.valid_to is not None and on > found.valid_to:
            raise UnknownCodeError(f"{system} code {found.code} is not valid after {found.valid_to}")
        return found

    def children(self, system: System, code: str, on: date | None = None) -> list[Code]:
        """Codes directly below, in tabular order."""
        store = self.store(system, on)
        return [store.code(row) for row in store.children(store.row(code))]

    def ancestors(self, system: System, code: str, on: date | None = None) -> list[Code]:
        """Codes above, nearest first, up to block and chapter."""
        store = self.store(system, on)
        return [store.code(row) for row in store.ancestors(store.row(code))]

    def notes(
        self, system: System, code: str, on: date | None = None
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        """Notes of the tabular list by kind, each with the code that carries it; inherited ones included."""
        store = self.store(system, on)
        return {kind: tuple(rows) for kind, rows in store.inherited_notes(store.row(code)).items()}

    def search(
        self, query: str, *, system: System | None = None, on: date | None = None, limit: int = 20
    ) -> list[SearchHit]:
        """Codes by code prefix, words of the title, or lay phrase; small misspellings are forgiven.

        Systems without a release on the day are left out.

        Raises
        ------
        NoReleaseError
            If the system asked for, or every system, has no release on the day.
        """
        chosen, missing = one_each(self.releases, on)
        if system in missing:
            raise missing[system]
        if len(missing) == len(SYSTEMS):
            raise missing[SYSTEMS[0]]
        within = [name for name in SYSTEMS if name not in missing and system in (None, name)]
        return self._set_of(chosen).searcher.search(query, within=within, limit=limit)


def open_catalog(settings: Settings | None = None) -> Catalog:
    """Open the compiled code sets; what is missing, damaged or out of date is compiled first and logged.

    Raises
    ------
    CodeSetError
        If they cannot be compiled.
    """
    chosen = settings or Settings.load()
    stores = open_stores(chosen.store_dir)
    if old := outdated(stores, licensed=cpt_licensed(chosen.store_dir)):
        names = ", ".join(f"{release.system} {release.id}" for release in old)
        log.warning("code sets missing, damaged or out of date: %s; building them", names)
        build_all(chosen)
        stores = open_stores(chosen.store_dir)
    return Catalog(chosen.store_dir, stores)
