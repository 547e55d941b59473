"""A subject laid over code sets and edits: what the rule functions read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Protocol

from suggester.codesets.procedures import NcciPair, ProcedureTables
from suggester.codesets.releases import Release
from suggester.codesets.store import ReleaseStore
from suggester.errors import UnknownCodeError
from suggester.rules.book import Book
from suggester.rules.subject import Diagnosis, Service, Subject
from suggester.rules.tables import Modifier, Tables
from suggester.types import System, quick


class Limits(Protocol):
    """Tables that a user imports: units that are unlikely in a day, and global periods of procedures."""

    def medically_unlikely(self, code: str, day: date) -> int | None:
        """Most units of a code that one patient has on a day; None where no limit is known."""

    def global_days(self, code: str, day: date) -> str | None:
        """Global period of a code as the fee schedule writes it (``000``, ``010``, ``090``, ``XXX`` …)."""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Everything that rules look up, for one set of releases.

    Attributes
    ----------
    book
        Diagnosis codes.
    stores
        The store of each system in force.
    missing
        Systems that no installed release covers on the day.
    procedures, limits, tables
        Edits of services by day; imported units and global periods; the data files of the rules.
    elsewhere
        Installed releases that hold a code of a system, for saying when it is valid.
    """

    book: Book
    stores: Mapping[System, ReleaseStore]
    procedures: ProcedureTables
    limits: Limits
    tables: Tables
    missing: frozenset[System] = frozenset()
    elsewhere: Callable[[System, str], tuple[Release, ...]] = lambda system, code: ()


@quick
@dataclass(frozen=True, slots=True)
class Placed:
    """A diagnosis that the release has: its place among all (from 1), its row, its code as listed."""

    item: Diagnosis
    place: int
    row: int
    code: str


class Case:
    """A subject with its codes looked up once; every rule reads the same.

    Parameters
    ----------
    subject
        What to check.
    knowledge
        Code sets and edits in force.
    """

    def __init__(self, subject: Subject, knowledge: Knowledge) -> None:
        self.subject = subject
        self.know = knowledge
        self.book = knowledge.book
        self.tables = knowledge.tables
        self.services = subject.services
        book = knowledge.book
        placed: list[Placed] = []
        unknown: list[tuple[int, Diagnosis]] = []
        for place, given in enumerate(subject.diagnoses, 1):
            row = book.row(given.code)
            if row is None:
                unknown.append((place, given))
            else:
                placed.append(Placed(given, place, row, book.code(row)))
        self.diagnoses = tuple(placed)
        self.unknown = tuple(unknown)
        self.by_row: dict[int, Placed] = {}
        for item in placed:
            self.by_row.setdefault(item.row, item)
        self.ordered: Sequence[int] = sorted(self.by_row)
        self.categories = frozenset(item.code[:3] for item in placed)

    @cached_property
    def day(self) -> date:
        """The service date; where none is given the first day of the release of CPT in force."""
        return self.subject.service_date or self.know.stores["CPT"].release.valid_from

    def day_of(self, service: Service) -> date:
        """Day of a service."""
        return service.date or self.day

    def place_of(self, service: Service) -> str | None:
        """Place of a service."""
        return service.place or self.subject.place_of_service

    def starting(self, prefixes: str | tuple[str, ...]) -> Iterator[Placed]:
        """Diagnoses whose code begins with a prefix."""
        return (item for item in self.diagnoses if item.code.startswith(prefixes))

    def title(self, item: Placed) -> str:
        """Title of a diagnosis in lower case."""
        return self.book.title(item.row)

    def service_row(self, service: Service) -> int | None:
        """Row of a service in the release in force, None if it has none such or begins later."""
        store = self.know.stores[service.system]
        try:
            row = store.row(service.code)
        except UnknownCodeError:
            return None
        return row if int(store.valid_from[row]) <= self.day_of(service).toordinal() else None

    def same_day(self) -> Iterator[tuple[Service, Service]]:
        """Pairs of services of one day, in the order of lines."""
        for one, two in combinations(self.services, 2):
            if self.day_of(one) == self.day_of(two):
                yield one, two

    @cached_property
    def ncci_edits(self) -> tuple[tuple[Service, Service, NcciPair], ...]:
        """Services that an NCCI edit pairs: the one that is paid, the one that is denied, the edit."""
        found: list[tuple[Service, Service, NcciPair]] = []
        for one, two in self.same_day():
            for first, second in ((one, two), (two, one)):
                edit = self.know.procedures.ncci_pair(first.code, second.code, self.day_of(first))
                if edit is not None:
                    found.append((first, second, edit))
                    break
        return tuple(found)

    def modifiers(self, service: Service) -> Iterator[tuple[str, Modifier]]:
        """Modifiers of a service that the rules know something of."""
        for code in service.modifiers:
            known = self.tables.modifiers.get(code)
            if known is not None:
                yield code, known

    def sides_of(self, service: Service) -> frozenset[str]:
        """``L``, ``R``, ``B`` as the modifiers of a service say."""
        return frozenset(known.side for _, known in self.modifiers(service) if known.side)
