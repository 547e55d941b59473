"""Candidate codes of a note, each with every match that speaks for it.

Four ways lead from words to a code: a term that names it (gone down to the billable code), a drug taken
for long (``Z79``), a past condition (personal history) and a relative's (family history). This is recall;
choice is the ranker's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.lexicon import CombinationRow
from suggester.codesets.terms import Source, Target
from suggester.errors import UnknownCodeError
from suggester.pipeline.attributes_values import trimester_of
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import FAMILY, HISTORICAL, NEGATED, Reading
from suggester.ranking.resolve import CodeResolver, Phase, Resolved
from suggester.ranking.values import code_of_value, is_child, with_values
from suggester.types import SYSTEMS, Setting, System

_SYSTEM: dict[int, System] = {Target.ICD10CM: "ICD-10-CM", Target.CPT: "CPT", Target.HCPCS: "HCPCS"}


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


@dataclass(frozen=True, slots=True)
class Support:
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


_SIDES = {"right": 1, "left": 2, "bilateral": 3}
_PHASES: dict[str, Phase] = {"initial": "initial", "subsequent": "subsequent", "sequela": "sequela"}
_TRIMESTERS = {"1": "first", "2": "second", "3": "third"}
_GIVEN = ("given", "administered", "im", "deltoid", "today", "received", "injection", "intramuscular")
_VACCINES = ("vaccine", "vaccination", "vaccinated", "immunization", "toxoid", "booster", "shot", "titer")
_VACCINE_G = frozenset(("G0008", "G0009", "G0010"))

Add = Callable[[System, int, Support], None]
_FIRM = 0.8
"""Similarity from which a condition counts as named, for combinations."""


class CandidateFinder:
    """Finds the candidate codes of a reading.

    Parameters
    ----------
    releases
        Code sets in force and their term index.
    personal, family
        Code prefixes of conditions to the code of their history (see ``codesets/lexicon/history``).
    """

    def __init__(
        self,
        releases: ReleaseSet,
        *,
        personal: Mapping[str, str],
        family: Mapping[str, str],
        combinations: Sequence[CombinationRow] = (),
    ) -> None:
        self.releases = releases
        self._terms = releases.terms
        self._store = releases.icd10cm
        self._resolver = CodeResolver(releases.icd10cm, releases.terms)
        self._personal = self._rows(personal)
        self._family = self._rows(family)
        self._term_target: list[int] = self._terms.term_target.tolist()
        self._term_row: list[int] = self._terms.term_row.tolist()
        self._term_whole: list[bool] = self._terms.term_whole.tolist()
        self._term_source: list[int] = self._terms.term_source.tolist()
        self._drug_rows = [self._row_or_none(drug[2]) for drug in self._terms.drugs]
        self._codes = self._store.code_list
        self._term_of_row = self._terms_of_values()
        self._immunization = self._row_or_none("Z23")
        vocabulary = self._terms.vocabulary
        self._vaccine = [vocabulary[w] for w in _VACCINES if w in vocabulary]
        self._given = frozenset(vocabulary[w] for w in _GIVEN if w in vocabulary)
        self._combinations = [
            (item, row) for item in combinations if (row := self._row_or_none(item.code)) is not None
        ]

    def _rows(self, table: Mapping[str, str]) -> dict[str, int]:
        found = {prefix: self._row_or_none(code) for prefix, code in table.items()}
        return {prefix: row for prefix, row in found.items() if row is not None}

    def _terms_of_values(self) -> dict[int, int]:
        """For each code that a measured value names, a term that leads to it."""
        rows = [row for prefix in ("Z68", "Z3A") for row in self._store.with_prefix(prefix)]
        named = (self._terms.term_target == Target.ICD10CM) & np.isin(self._terms.term_row, rows)
        out: dict[int, int] = {}
        for term in np.flatnonzero(named).tolist():
            out.setdefault(self._term_row[term], term)
        return out

    def _row_or_none(self, code: str) -> int | None:
        if not code:
            return None
        try:
            row = self._store.row(code)
        except UnknownCodeError:
            return None
        return row if self._store.billable[row] else None

    def find(self, reading: Reading, *, setting: Setting | None) -> list[CodeSupport]:
        """All candidates, ordered by system and row."""
        valued = self._add_values(reading)
        matches = reading.matches
        phase = note_phase(reading, setting)
        out: dict[tuple[System, int], CodeSupport] = {}

        def add(system: System, row: int, support: Support) -> None:
            found = out.get((system, row))
            if found is None:
                found = out[system, row] = CodeSupport(system, row)
            found.supports.append(support)

        term_of, first_of, final_of = matches.term.tolist(), matches.first.tolist(), matches.final.tolist()
        anchor_of, sentence_of = matches.anchor.tolist(), matches.sentence.tolist()
        coverage, density = matches.coverage.tolist(), matches.density.tolist()
        whole = self._term_whole
        trimester = self._trimester(reading)
        shots = self._shots(reading)
        for i, term in enumerate(term_of):
            similarity = coverage[i] * coverage[i] * (0.4 + 0.6 * density[i])
            flags = reading.flags(first_of[i], final_of[i], anchor_of[i], negating=whole[term])
            target = self._term_target[term]
            row: int | None = self._term_row[term]
            assert row is not None  # noqa: S101 - a row of the index
            if target == Target.DRUG:
                row = self._drug_rows[row]
                if row is not None:
                    add("ICD-10-CM", row, Support(i, Method.DRUG, flags, None, similarity))
                continue
            if target != Target.ICD10CM:
                add(_SYSTEM[target], row, Support(i, Method.TERM, flags, None, similarity))
                continue
            if i >= valued:
                add("ICD-10-CM", row, Support(i, Method.VALUE, flags, None, 1.0))
                continue
            side, own_phase = 0, phase
            needs = self._resolver.needs(row)
            if needs.side or needs.phase:
                attributes = {a.name: a.value for a in reading.attributes_at(first_of[i], final_of[i])}
                side = _SIDES.get(attributes.get("laterality", ""), 0)
                side = side or reading.side(anchor_of[i], sentence_of[i])
                if needs.phase and setting != "emergency":
                    own_phase = _PHASES.get(attributes.get("phase", ""), phase)
            context = reading.context(sentence_of[i])
            if trimester is not None and self._codes[row][0] == "O":
                context = context | trimester
            for resolved in self._resolver.resolve(row, context=context, side=side, phase=own_phase):
                if shots and self._is_infection(resolved.row) and _beside(anchor_of[i], shots):
                    continue
                if coverage[i] < COMPLETE and not self._history_fits(resolved.row, flags):
                    continue
                method = Method.DESCENT if resolved.steps else Method.TERM
                add("ICD-10-CM", resolved.row, Support(i, method, flags, resolved, similarity))
                if flags & (HISTORICAL | FAMILY) and not flags & NEGATED:
                    self._add_history(resolved.row, flags, i, similarity, add)
        self._imply(reading, out, add)
        self._combine(out, add)
        return sorted(out.values(), key=lambda c: (SYSTEMS.index(c.system), c.row))

    def _add_history(self, row: int, flags: int, match: int, similarity: float, add: Add) -> None:
        code = self._codes[row]
        table = self._family if flags & FAMILY else self._personal
        method = Method.FAMILY_HISTORY if flags & FAMILY else Method.PERSONAL_HISTORY
        for end in range(len(code), 0, -1):
            history = table.get(code[:end])
            if history is not None:
                add("ICD-10-CM", history, Support(match, method, flags, None, similarity))
                return

    def _shots(self, reading: Reading) -> list[int]:
        """Tokens that speak of a vaccine: the disease beside them is what it protects from."""
        words = reading.words
        places = words.place[np.isin(words.ids, self._vaccine)].tolist()
        return sorted({words.place_token[place] for place in places})

    def _is_infection(self, row: int) -> bool:
        code = self._codes[row]
        return code[0] in "AB" or "J09" <= code[:3] <= "J18"

    def _add_values(self, reading: Reading) -> int:
        """Add a match for each measured value that has a code (BMI, weeks); returns where they begin.

        Adding is done once a reading, so that finding twice finds the same.
        """
        begin = reading.values_from
        if begin is None:
            begin = reading.values_from = len(reading.matches)
            added: list[tuple[int, int, int]] = []
            child = is_child(reading.table.lower)
            for value in reading.attributes.values():
                if child and value.name == "bmi":
                    continue  # a child's body mass index is coded by percentile
                code = code_of_value(value.name, value.value)
                row = self._row_or_none(code) if code else None
                term = self._term_of_row.get(row) if row is not None else None
                if term is not None:
                    first = reading.token_at(value.span.start)
                    added.append((term, first, reading.token_at(value.span.end - 1)))
            if added:
                reading.matches = with_values(reading.matches, added, reading.sentence)
        return begin

    def _trimester(self, reading: Reading) -> frozenset[int] | None:
        """Words of the trimester that the note's weeks of gestation make."""
        for value in reading.attributes.values():
            if value.name == "weeks" and value.value.isdigit():
                word = trimester_of(int(value.value))
                words = (self._terms.vocabulary.get(w) for w in (_TRIMESTERS.get(word, word), "trimester"))
                return frozenset(w for w in words if w is not None)
        return None

    def _imply(self, reading: Reading, out: dict[tuple[System, int], CodeSupport], add: Add) -> None:
        """A vaccine given is an encounter for immunization (Z23, guidelines I.C.21.c.2)."""
        if self._immunization is None:
            return
        for candidate in list(out.values()):
            if candidate.system == "ICD-10-CM" or not self._is_vaccine(candidate):
                continue
            for support in candidate.supports:
                words = reading.context(int(reading.matches.sentence[support.match]))
                if not support.flags and support.similarity > _FIRM and not self._given.isdisjoint(words):
                    implied = Support(support.match, Method.IMPLIED, 0, None, support.similarity)
                    add("ICD-10-CM", self._immunization, implied)

    def _is_vaccine(self, candidate: CodeSupport) -> bool:
        code = self.releases.store(candidate.system).codes[candidate.row]
        return "90460" <= code <= "90474" or "90476" <= code <= "90759" or code in _VACCINE_G

    def _combine(self, out: dict[tuple[System, int], CodeSupport], add: Add) -> None:
        """Add combination codes whose conditions are all affirmed; mark the codes they replace."""
        present: dict[str, list[CodeSupport]] = {}
        for candidate in list(out.values()):
            if candidate.system == "ICD-10-CM" and any(
                not s.flags and s.similarity > _FIRM for s in candidate.supports
            ):
                code = self._codes[candidate.row]
                for end in range(3, len(code) + 1):
                    present.setdefault(code[:end], []).append(candidate)
        found: list[tuple[CombinationRow, int, list[list[CodeSupport]]]] = []
        for item, row in self._combinations:
            parts = [[c for prefix in need for c in present.get(prefix, ())] for need in item.needs]
            if not all(parts):
                continue
            found.append((item, row, parts))
            for group in parts:
                best = max(
                    (s for c in group for s in c.supports if not s.flags),
                    key=lambda s: (s.similarity, -s.match),
                )
                add("ICD-10-CM", row, Support(best.match, Method.COMBINATION, 0, None, best.similarity))
        for item, row, parts in found:
            replaced = [
                c
                for c in out.values()
                if c.system == "ICD-10-CM" and c.row != row and self._codes[c.row].startswith(item.replaces)
            ]
            for candidate in replaced:
                candidate.replaced = True
            conditions = tuple(tuple(sorted({c.row for c in group} - {row})) for group in parts)
            out["ICD-10-CM", row].joins.append(Joined(conditions, tuple(sorted({c.row for c in replaced}))))

    def _history_fits(self, row: int, flags: int) -> bool:
        """Whether part of a term is enough: codes of history need its words or its flag."""
        category = self._codes[row][:3]
        if "Z80" <= category <= "Z84":
            return bool(flags & FAMILY)
        return bool(flags & HISTORICAL) if "Z85" <= category <= "Z87" else True

    def source(self, term: int) -> Source:
        """Source of a term."""
        return Source(self._term_source[term])


def _beside(token: int, others: Sequence[int]) -> bool:
    """Whether one of the tokens lies at or just behind a token, or just before it."""
    at = bisect_left(others, token - 2)
    return at < len(others) and others[at] <= token + 4


_FOLLOW_UP = (
    "follow-up",
    "followup",
    "postop",
    "postoperative",
    "aftercare",
    "healing",
    "rehabilitation",
    "recheck",
)


def note_phase(reading: Reading, setting: Setting | None) -> Phase:
    """Encounter phase of the note's injuries: active treatment unless it says follow-up or healing.

    Source: ICD-10-CM guidelines I.C.19.a (7th characters A, D, S).
    """
    if setting == "emergency":
        return "initial"
    lower = reading.table.lower
    head = lower[:150]
    if "sequela" in head or "sequelae" in head:
        return "sequela"
    follow = any(
        word in _FOLLOW_UP or (word == "follow" and "up" in head[i + 1 : i + 3])
        for i, word in enumerate(head)
    )
    return "subsequent" if follow else "initial"
