"""What CMS says of services by day: pairs that exclude each other, units that are unlikely, global periods.

Pairs and add-on codes of hospital claims come with the embedded tables; imported files go before them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from suggester.codesets.container import Container
from suggester.codesets.journal import active_files
from suggester.codesets.phrases import PHRASES_FILE, PhraseSet

ServiceSetting = Literal["practitioner", "hospital", "dme"]
"""Whose claims an edit is for."""

EDITS_FILE = "edits.store"
PAIRS_FILE, UNITS_FILE, GLOBAL_FILE = "pairs.store", "units.store", "global.store"
OPEN_FROM = date(2036, 1, 1).toordinal()
"""The embedded tables write a day from here on for edits without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NcciPair:
    """Two services of which the second is not paid beside the first.

    ``modifier_allowed`` says whether a modifier may resolve it; ``valid_to`` is the last day.
    """

    column1: str
    column2: str
    modifier_allowed: bool
    valid_from: date
    valid_to: date | None
    rationale: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLimit:
    """Most units of a service for a patient on a day.

    ``indicator`` is the adjudication indicator: ``1`` by claim line, ``2`` by day by policy, ``3`` by day by
    clinical judgement.
    """

    code: str
    units: int
    indicator: str
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A line of the local chargemaster."""

    description: str
    code: str
    price: Decimal | None


class PairTable:
    """NCCI pairs of one file, found by bisection in the memory map: some microseconds a look-up."""

    def __init__(self, box: Container, source: str) -> None:
        self.source = source
        self._codes = {code: i for i, code in enumerate(box.strings("ncci_codes"))}
        self._one = memoryview(box.array("ncci_code1"))
        self._two = memoryview(box.array("ncci_code2"))
        self._allowed = memoryview(box.array("ncci_modifier"))
        self._from = memoryview(box.array("ncci_from"))
        self._to = memoryview(box.array("ncci_to"))
        self._ranges: dict[int, tuple[int, int]] = {}
        self._why = memoryview(box.array("ncci_why")) if box.has("ncci_why") else None
        self._rationales: Sequence[str] = box.strings("rationales") if self._why is not None else ()

    def __len__(self) -> int:
        return len(self._one)

    def find(self, column1: str, column2: str, day: date) -> NcciPair | None:
        """The pair in force on a day."""
        one, two = self._codes.get(column1), self._codes.get(column2)
        if one is None or two is None:
            return None
        known = self._ranges.get(one)
        if known is None:
            low = bisect_left(self._one, one)
            known = self._ranges[one] = low, bisect_right(self._one, one, low)
        low, high = known
        at = bisect_left(self._two, two, low, high)
        number = day.toordinal()
        while at < high and self._two[at] == two:
            end = self._to[at]
            if self._from[at] <= number and (not end or number <= end):
                return NcciPair(
                    column1=column1,
                    column2=column2,
                    modifier_allowed=self._allowed[at] == 1,
                    valid_from=date.fromordinal(self._from[at]),
                    valid_to=date.fromordinal(end) if end and end < OPEN_FROM else None,
                    rationale=self._rationales[self._why[at]] if self._why is not None else "",
                    source=self.source,
                )
            at += 1
        return None


class _ByCode:
    """A table of one value a code, with the days that it holds."""

    def __init__(self, box: Container) -> None:
        self.box = box
        self.setting: str = box.meta["setting"]
        self.first = date.fromisoformat(box.meta["valid_from"])
        end = box.meta["valid_to"]
        self.last = date.fromisoformat(end) if end else None
        self.row = {code: i for i, code in enumerate(box.strings("codes"))}

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class ProcedureTables:
    """The tables about services of a store folder, each opened when it is first asked.

    Parameters
    ----------
    folder
        The store folder, built.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _embedded(self) -> Container:
        return Container.open(self._folder / EDITS_FILE)

    @cached_property
    def _embedded_pairs(self) -> PairTable:
        return PairTable(self._embedded, "CMS I/OCE tables")

    @cached_property
    def _pairs(self) -> dict[str, PairTable]:
        """Imported pairs by setting."""
        out: dict[str, PairTable] = {}
        for item, path in active_files(self._folder, ("ncci",)):
            if path.name == PAIRS_FILE:
                box = Container.open(path)
                out[str(box.meta["setting"])] = PairTable(box, f"NCCI file, import {item.id}")
        return out

    def _tables(self, name: str) -> list[_ByCode]:
        kinds = ("mue",) if name == UNITS_FILE else ("global",)
        found = [p for _, p in active_files(self._folder, kinds) if p.name == name]  # type: ignore[arg-type]
        return sorted((_ByCode(Container.open(path)) for path in found), key=lambda table: table.first)

    @cached_property
    def _units(self) -> list[_ByCode]:
        return self._tables(UNITS_FILE)

    @cached_property
    def _globals(self) -> list[_ByCode]:
        return self._tables(GLOBAL_FILE)

    def ncci_pair(
        self, column1: str, column2: str, day: date, setting: ServiceSetting = "practitioner"
    ) -> NcciPair | None:
        """The pair of two services in force on a day, None where there is none.

        Pairs of the setting's imported file, else the embedded ones, which are those of hospital claims.
        """
        return self._pairs.get(setting, self._embedded_pairs).find(column1, column2, day)

    def unit_limit(self, code: str, day: date, setting: ServiceSetting = "practitioner") -> UnitLimit | None:
        """Most units of a service on a day; None where no table that is imported says."""
        for table in reversed(self._units):
            if table.setting == setting and table.covers(day):
                row = table.row.get(code)
                if row is None:
                    return None
                return UnitLimit(
                    code=code,
                    units=int(table.box.array("units")[row]),
                    indicator=table.box.strings("indicators")[row],
                    rationale=table.box.strings("rationales")[row],
                )
        return None

    def medically_unlikely(
        self, code: str, day: date, setting: ServiceSetting = "practitioner"
    ) -> int | None:
        """Most units of a service for a patient on a day; None where no limit is known."""
        limit = self.unit_limit(code, day, setting)
        return None if limit is None else limit.units

    def global_days(self, code: str, day: date) -> str | None:
        """Global period as the fee schedule writes it (``000``, ``090``, ``XXX`` …); None if unknown."""
        for table in reversed(self._globals):
            if table.covers(day):
                row = table.row.get(code)
                return None if row is None else table.box.strings("days")[row]
        return None

    @cached_property
    def _add_ons(self) -> dict[str, tuple[str, ...]]:
        out: dict[str, list[str]] = {}
        codes, primaries = self._embedded.strings("add_on_codes"), self._embedded.strings("add_on_primaries")
        for code, primary in zip(codes, primaries, strict=True):
            out.setdefault(code, []).append(primary)
        return {code: tuple(found) for code, found in out.items()}

    def add_on_primaries(self, code: str) -> tuple[str, ...]:
        """The services that an add-on code may stand beside; none for other codes."""
        return self._add_ons.get(code, ())

    @cached_property
    def _modifiers(self) -> frozenset[str]:
        return frozenset(self._embedded.strings("modifiers"))

    def is_modifier(self, text: str) -> bool:
        """Whether a modifier is one of the tables'."""
        return text in self._modifiers

    @cached_property
    def _charges(self) -> dict[str, list[Charge]]:
        out: dict[str, list[Charge]] = {}
        for _, path in active_files(self._folder, ("chargemaster",)):
            if path.name == PHRASES_FILE:
                for phrase in PhraseSet(path):
                    charge = Charge(description=phrase.text, code=phrase.code, price=phrase.price)
                    out.setdefault(phrase.code, []).append(charge)
        return out

    def charges(self, code: str) -> tuple[Charge, ...]:
        """Lines of the imported chargemaster with a code, in its order."""
        return tuple(self._charges.get(code, ()))
