"""A candidate code and what speaks for it: values that finding fills and ranking reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple

from suggester.ranking.resolve import Resolved
from suggester.types import SYSTEMS, System

FIRM = 0.8
"""Similarity above which a condition counts as named where others build on it."""


class Method(IntEnum):
    """How a match led to a code."""

    TERM = 0
    DESCENT = 1
    DRUG = 2
    PERSONAL_HISTORY = 3
    FAMILY_HISTORY = 4
    COMBINATION = 5
    VALUE = 6
    IMPLIED = 7
    DRUG_EFFECT = 8
    SPREAD = 9


VOUCHING_SHARE = 0.75
"""Share of the similarity of a code's best mention that another needs for its assertion to count."""


class Support(NamedTuple):
    """One match that speaks for a code.

    ``match`` indexes the matches of the reading; ``flags`` are the assertion bits over its words.
    """

    match: int
    method: Method
    flags: int
    resolved: Resolved | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions that a combination code joins, rows of their candidates each, and the rows it replaces."""

    conditions: tuple[tuple[int, ...], ...]
    replaced: tuple[int, ...]


@dataclass(slots=True)
class CodeSupport:
    """A code of a system (by its row) with its supports, in order of the note.

    ``replaced``: a combination code that stands for it is a candidate too. ``joins``: what it stands for, if
    it is a combination code.
    """

    system: System
    row: int
    supports: list[Support] = field(default_factory=list)
    replaced: bool = False
    joins: list[Joined] = field(default_factory=list)


def vouching(supports: list[Support]) -> list[Support]:
    """The mentions that may let a code through: where one is gated, none that says far less than the best.

    With *possible anterior cruciate ligament tear* the ligament named alone elsewhere makes no tear certain.
    """
    if len(supports) < 2 or not any([support.flags for support in supports]):
        return supports
    least = VOUCHING_SHARE * max([support.similarity for support in supports])
    return [support for support in supports if support.similarity >= least]


def is_gated(best: Support, supports: list[Support], bits: int) -> bool:
    """Whether every mention that vouches for a code has one of some flags; ``best`` is its best mention."""
    if not best.flags & bits and best.similarity >= VOUCHING_SHARE:  # no similarity is above 1
        return False
    return all([support.flags & bits for support in vouching(supports)])


class Gathered:
    """The candidates of a note while they are found.

    Attributes
    ----------
    diagnoses
        Those of ICD-10-CM by row.
    services
        The others by system and row.
    """

    __slots__ = ("diagnoses", "services")

    def __init__(self) -> None:
        self.diagnoses: dict[int, CodeSupport] = {}
        self.services: dict[tuple[System, int], CodeSupport] = {}

    def diagnose(self, row: int, support: Support) -> None:
        """Let a match speak for a diagnosis."""
        found = self.diagnoses.get(row)
        if found is None:
            found = self.diagnoses[row] = CodeSupport("ICD-10-CM", row, [], False, [])
        found.supports.append(support)

    def serve(self, system: System, row: int, support: Support) -> None:
        """Let a match speak for a service, drug or supply."""
        found = self.services.get((system, row))
        if found is None:
            found = self.services[system, row] = CodeSupport(system, row, [], False, [])
        found.supports.append(support)

    def move(self, candidate: CodeSupport, row: int) -> None:
        """Bring a candidate diagnosis to another code, joining what speaks for both if that is one already.

        A candidate that is not among the diagnoses (a copy, or one taken out) is put there.
        """
        if self.diagnoses.get(candidate.row) is candidate:
            del self.diagnoses[candidate.row]
        other = self.diagnoses.get(row)
        candidate.row = row
        if other is None:
            self.diagnoses[row] = candidate
            return
        have = {(s.match, s.method) for s in other.supports}
        other.supports.extend(s for s in candidate.supports if (s.match, s.method) not in have)
        other.supports.sort(key=lambda s: s.match)
        other.joins.extend(candidate.joins)

    def ordered(self) -> list[CodeSupport]:
        """All candidates by system, then row."""
        by_row = attrgetter("row")
        out = sorted(self.diagnoses.values(), key=by_row)
        for system in SYSTEMS[1:]:
            out += sorted([c for c in self.services.values() if c.system == system], key=by_row)
        return out
