"""What the rules know of services: modifiers, add-on codes and NCCI pairs by day, from the compiled edits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from suggester.codesets.build import EDITS_FILE
from suggester.codesets.container import Container

OPEN_END = date(2036, 3, 31)
"""The tables write this day for edits that have no end."""


@dataclass(frozen=True, slots=True)
class NcciEdit:
    """A procedure-to-procedure edit: the second code is denied beside the first.

    ``modifier_allowed`` is the modifier indicator 1: a modifier may say that both are due. ``last`` is None
    while the edit is open.
    """

    column_one: str
    column_two: str
    modifier_allowed: bool
    first: date
    last: date | None


class Limits(Protocol):
    """Tables that a user imports: units that are unlikely in a day, and global periods of procedures."""

    def medically_unlikely(self, code: str, on: date) -> int | None:
        """Most units of a code that one patient has on a day; None where no limit is known."""

    def global_days(self, code: str, on: date) -> str | None:
        """Global period of a code as the fee schedule writes it (``000``, ``010``, ``090``, ``XXX`` …)."""


class NoLimits:
    """No table was imported: nothing is known."""

    def medically_unlikely(self, code: str, on: date) -> int | None:
        """None."""
        del code, on
        return None

    def global_days(self, code: str, on: date) -> str | None:
        """None."""
        del code, on
        return None


class Edits:
    """The compiled procedure edits, opened; a look-up takes some microseconds.

    Parameters
    ----------
    path
        The compiled file.

    Raises
    ------
    StoreMissingError, StoreDamagedError
        If it is not there or damaged.
    """

    def __init__(self, path: Path) -> None:
        store = Container.open(path)
        self.valid_from = date.fromisoformat(store.meta["valid_from"])
        self.pairs: int = store.meta["pairs"]
        self._index = {code: number for number, code in enumerate(store.strings("ncci_codes"))}
        self._second = store.array("ncci_code2")
        self._modifier = store.array("ncci_modifier")
        self._from, self._to = store.array("ncci_from"), store.array("ncci_to")
        # pairs are sorted: those of a first code are one stretch
        self._start = np.searchsorted(store.array("ncci_code1"), np.arange(len(self._index) + 1)).tolist()
        self.modifiers = frozenset(item for item in store.strings("modifiers") if item.isalnum())
        self._add_ons = (store.strings("add_on_codes"), store.strings("add_on_primaries"))

    @classmethod
    def of_folder(cls, folder: Path) -> Edits:
        """The edits of a store folder."""
        return cls(folder / EDITS_FILE)

    @cached_property
    def primaries(self) -> dict[str, frozenset[str]]:
        """The primary codes of each add-on code."""
        out: defaultdict[str, set[str]] = defaultdict(set)
        for add_on, primary in zip(*self._add_ons, strict=True):
            out[add_on].add(primary)
        return {code: frozenset(codes) for code, codes in out.items()}

    def ncci(self, one: str, two: str, on: date) -> NcciEdit | None:
        """The edit that denies ``two`` beside ``one`` on a day, None where there is none.

        Measured: some 4 microseconds a pair (``eval/bench_rules.py``).
        """
        first, second = self._index.get(one), self._index.get(two)
        if first is None or second is None:
            return None
        start, stop = self._start[first], self._start[first + 1]
        if start == stop:
            return None
        column = self._second[start:stop]
        at = start + int(column.searchsorted(column.dtype.type(second)))
        day = on.toordinal()
        while at < stop and self._second[at] == second:
            if self._from[at] <= day <= self._to[at]:
                last = date.fromordinal(int(self._to[at]))
                return NcciEdit(
                    one,
                    two,
                    bool(self._modifier[at]),
                    date.fromordinal(int(self._from[at])),
                    None if last >= OPEN_END else last,
                )
            at += 1
        return None
