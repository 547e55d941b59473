"""Candidate codes of a note, each with every match that speaks for it.

Ways that lead from words to a code: a term that names it (gone down to the billable code), a drug taken
for long (``Z79``), a past condition (personal history) and a relative's (family history), conditions that
one code joins, a measured value, what a drug did (``T36-T50``) and where a cancer has gone (``C77-C79``).
This is recall; choice is the ranker's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter

import numpy as np

from suggester.codesets.catalog import ReleaseSet
from suggester.codesets.lexicon import CombinationRow
from suggester.codesets.terms import Source, Target
from suggester.errors import UnknownCodeError
from suggester.pipeline.attributes_values import trimester_of
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import FAMILY, HISTORICAL, NEGATED, Reading
from suggester.ranking.relations.drugs import DrugEffects, names_of
from suggester.ranking.relations.found import Found
from suggester.ranking.relations.spread import Spread
from suggester.ranking.resolve import CodeResolver, Phase, Resolved
from suggester.ranking.values import code_of_value, first_matches, is_child, with_values
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
    DRUG_EFFECT = 8
    SPREAD = 9


@dataclass(slots=True)
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
_RELATED = ("C77", "C78", "C79", *(f"T{number}" for number in range(36, 51)), "Z91")
"""Categories of the codes that relations between words lead to."""
_OF_WEIGHT = ("E40", "E41", "E42", "E43", "E44", "E45", "E46", "E66", "F50", "O99.21", "R63", "R64")
"""Codes of weight and nourishment, beside which a low body mass index is coded."""
_TRIMESTERS = {"1": "first", "2": "second", "3": "third"}
_GIVEN = ("given", "administered", "im", "deltoid", "today", "received", "injection", "intramuscular")
_VACCINES = ("vaccine", "vaccination", "vaccinated", "immunization", "toxoid", "booster", "shot", "titer")
_VACCINE_G = frozenset(("G0008", "G0009", "G0010"))

Add = Callable[[System, int, Support], None]
Said = tuple[int, Phase | None, bool]
"""What the words of a mention say: its side, its encounter phase, and whether it is open."""


@dataclass(slots=True)
class _Way:
    """Where a row of a term leads to: what it needs to know, or the codes where it needs nothing."""

    fixed: tuple[Resolved, ...] | None
    side: bool
    phase: bool
    pregnancy: bool


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
        self._ways: dict[int, _Way] = {}
        self._asked: dict[int, int] = {}
        self._drug_rows = [self._row_or_none(drug[2]) for drug in self._terms.drugs]
        self._effects = DrugEffects(names_of(self._terms.drugs))
        self._spread = Spread()
        self._codes = self._store.code_list
        self._term_of_row = self._terms_of(("Z68", "Z3A"))
        related = self._terms_of((*_RELATED, *self._effects.induced))
        self._term_of_prefix = {self._codes[row]: term for row, term in related.items()}
        self._immunization = self._row_or_none("Z23")
        vocabulary = self._terms.vocabulary
        self._vaccine = np.array([vocabulary[w] for w in _VACCINES if w in vocabulary], dtype=np.int32)
        self._given = frozenset(vocabulary[w] for w in _GIVEN if w in vocabulary)
        self._open = vocabulary.get("open", -1)
        self._combinations = [
            (item, row) for item in combinations if (row := self._known(item.code)) is not None
        ]
        self._combined_by: dict[str, list[int]] = {}
        for number, (item, _) in enumerate(self._combinations):
            for prefix in item.needs[0]:
                self._combined_by.setdefault(prefix, []).append(number)
        self._prefixes = frozenset(p for item, _ in self._combinations for need in item.needs for p in need)
        self._prefixes_of: dict[int, tuple[str, ...]] = {}

    def _rows(self, table: Mapping[str, str]) -> dict[str, int]:
        found = {prefix: self._row_or_none(code) for prefix, code in table.items()}
        return {prefix: row for prefix, row in found.items() if row is not None}

    def _terms_of(self, prefixes: Sequence[str]) -> dict[int, int]:
        """For each row under prefixes that a term leads to, the first such term."""
        rows = [row for prefix in prefixes for row in self._store.with_prefix(prefix)]
        named = (self._terms.term_target == Target.ICD10CM) & np.isin(self._terms.term_row, rows)
        out: dict[int, int] = {}
        for term in np.flatnonzero(named).tolist():
            out.setdefault(self._terms.term_row.item(term), term)
        return out

    def _known(self, code: str) -> int | None:
        """Row of a code or category; None if the release has none."""
        try:
            return self._store.row(code)
        except UnknownCodeError:
            return None

    def _row_or_none(self, code: str) -> int | None:
        row = self._known(code) if code else None
        return row if row is not None and self._store.billable[row] else None

    def find(self, reading: Reading, *, setting: Setting | None) -> list[CodeSupport]:
        """All candidates, ordered by system and row."""
        valued = self._add_values(reading)
        spread, denied = self._spread.find(reading)
        matches = reading.matches
        phase = note_phase(reading, setting)
        out: dict[tuple[System, int], CodeSupport] = {}

        def add(system: System, row: int, support: Support) -> None:
            found = out.get((system, row))
            if found is None:
                found = out[system, row] = CodeSupport(system, row)
            found.supports.append(support)

        first_of, final_of = matches.first.tolist(), matches.final.tolist()
        anchor_of, sentence_of = matches.anchor.tolist(), matches.sentence.tolist()
        whole_of = self._terms.term_whole[matches.term].tolist()
        target_of = self._terms.term_target[matches.term].tolist()
        row_of: list[int] = self._terms.term_row[matches.term].tolist()
        coverage, density = matches.coverage.astype(np.float64), matches.density.astype(np.float64)
        similarity_of = (coverage * coverage * (0.4 + 0.6 * density)).tolist()
        partial, complete = (coverage < COMPLETE).tolist(), (coverage > COMPLETE).tolist()
        marks = reading.assertion.flags
        flags_at: dict[tuple[int, int, int, bool], int] = {}
        said_of: dict[tuple[int, int], Said] = {}
        trimester = self._trimester(reading)
        shots = self._shots(reading)
        left_handed = is_left_handed(reading.table.lower)
        ways, diagnosis = self._ways, int(Target.ICD10CM)
        by_term, by_descent = Method.TERM, Method.DESCENT
        drugs: list[tuple[int, int, int]] = []
        findings: list[tuple[int, int, int]] = []
        for i, (row, target, first, final, anchor) in enumerate(
            zip(row_of, target_of, first_of, final_of, anchor_of, strict=True)
        ):
            similarity = similarity_of[i]
            flags = 0
            if marks[anchor] or marks[first] or marks[final]:
                place = first, final, anchor, whole_of[i]
                if place not in flags_at:
                    flags_at[place] = reading.flags(first, final, anchor, negating=whole_of[i])
                flags = flags_at[place]
            if target != diagnosis:
                if target != Target.DRUG:
                    add(_SYSTEM[target], row, Support(i, by_term, flags, None, similarity))
                    continue
                drugs.append((row, first, final))
                drug = self._drug_rows[row]
                if drug is not None:
                    add("ICD-10-CM", drug, Support(i, Method.DRUG, flags, None, similarity))
                continue
            if i >= valued:
                add("ICD-10-CM", row, Support(i, Method.VALUE, flags, None, 1.0))
                continue
            way = ways.get(row) or self._way(row)
            ends = way.fixed
            if ends is None:
                side, own_phase, opened = 0, phase, True
                if way.side or way.phase:
                    side, said, opened = self._said(reading, first, final, said_of)
                    side = side or reading.side(anchor, sentence_of[i])
                    if not side and way.side:
                        side = reading.side_elsewhere(self._terms.node_words(row))
                    if way.phase and "T36" <= self._codes[row][:3] <= "T50":
                        own_phase = "sequela" if phase == "sequela" else "initial"  # drugs, see DrugEffects
                    elif way.phase and setting != "emergency":
                        own_phase = said or phase
                context = reading.context(sentence_of[i])
                if not opened and self._open in context:
                    context = context - {self._open}  # the open reduction of a closed fracture
                if trimester is not None and way.pregnancy:
                    context = context | trimester
                ends = self._resolver.resolve(
                    row, context=context, side=side, phase=own_phase, left_handed=left_handed
                )
            for resolved in ends:
                to = resolved.row
                if shots and self._is_infection(to) and _beside(anchor, shots):
                    continue
                if partial[i] and not self._history_fits(to, flags):
                    continue
                if denied and self._is_denied(to, denied, first, final):
                    continue
                if complete[i] and not (flags and flags & NEGATED):
                    findings.append((first, final, to))
                method = by_descent if resolved.steps else by_term
                found = out.get(("ICD-10-CM", to))
                if found is None:
                    found = out["ICD-10-CM", to] = CodeSupport("ICD-10-CM", to)
                found.supports.append(Support(i, method, flags, resolved, similarity))
                if flags and flags & (HISTORICAL | FAMILY) and not flags & NEGATED:
                    self._add_history(to, flags, i, similarity, add)
        self._imply(reading, out, add)
        effects = self._effects.find(
            reading,
            drugs,
            [(first, final, self._codes[row]) for first, final, row in findings],
            phase="S" if phase == "sequela" else "A",
        )
        self._relate(reading, effects, Method.DRUG_EFFECT, phase, add)
        self._relate(reading, spread, Method.SPREAD, phase, add)
        self._combine(out, add, trimester or frozenset())
        self._drop_places(out, phase)
        self._drop_body_mass(out)
        by_system: dict[System, list[CodeSupport]] = {system: [] for system in SYSTEMS}
        for candidate in out.values():
            by_system[candidate.system].append(candidate)
        return [c for system in SYSTEMS for c in sorted(by_system[system], key=attrgetter("row"))]

    def _way(self, row: int) -> _Way:
        needs = self._resolver.needs(row)
        pregnancy = self._codes[row][0] == "O"
        way = self._ways[row] = _Way(self._resolver.fixed(row), needs.side, needs.phase, pregnancy)
        return way

    @staticmethod
    def _said(reading: Reading, first: int, final: int, known: dict[tuple[int, int], Said]) -> Said:
        """What the words of a mention say, 0 and None where they say nothing of side and phase."""
        found = known.get((first, final))
        if found is None:
            said = {a.name: a.value for a in reading.attributes_at(first, final)}
            found = known[first, final] = (
                _SIDES.get(said.get("laterality", ""), 0),
                _PHASES.get(said.get("phase", "")),
                said.get("open") == "open",
            )
        return found

    def _is_denied(
        self, row: int, denied: Sequence[tuple[int, tuple[str, ...]]], first: int, final: int
    ) -> bool:
        """Whether a match takes the site of a primary for that of a secondary, or the other way round."""
        code = self._codes[row]
        return code[0] == "C" and any(
            first <= token <= final and code.startswith(prefixes) for token, prefixes in denied
        )

    def _relate(
        self, reading: Reading, found: Sequence[Found], method: Method, phase: Phase, add: Add
    ) -> None:
        """Add the codes of relations between words, each with a match of its own over them."""
        for item in found:
            row = self._row_or_none(item.code)
            if row is None:
                side = reading.side(item.final, reading.sentence[item.final])
                resolved = self._resolver.resolve(
                    self._store.row(item.code), context=frozenset(), side=side, phase=phase
                )
                rows = [one.row for one in resolved]
            else:
                rows = [row]
            term = self._term_of_relation(item.code)
            if term is None or not rows:
                continue
            added = [(term, item.first, item.final)]
            reading.matches = with_values(reading.matches, added, reading.sentence)
            for row in rows:
                add("ICD-10-CM", row, Support(len(reading.matches) - 1, method, item.flags, None, 1.0))

    def _term_of_relation(self, code: str) -> int | None:
        """A term that leads to a code or, failing that, to the nearest category above it."""
        for end in range(len(code), 2, -1):
            term = self._term_of_prefix.get(code[:end])
            if term is not None:
                return term
        return None

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
        begins, ends = words.ids.searchsorted(self._vaccine), words.ids.searchsorted(self._vaccine, "right")
        spans = [span for span in zip(begins.tolist(), ends.tolist(), strict=True) if span[0] < span[1]]
        places = {place for begin, end in spans for place in words.place[begin:end].tolist()}
        return sorted({words.place_token[place] for place in places})

    def _is_infection(self, row: int) -> bool:
        code = self._codes[row]
        return code[0] in "AB" or "J09" <= code[:3] <= "J18"

    def _add_values(self, reading: Reading) -> int:
        """Add a match for each measured value that has a code (BMI, weeks); returns where they begin.

        What an earlier search added is taken away first, so that finding twice finds the same.
        """
        if reading.values_from is None:
            reading.values_from = len(reading.matches)
        begin = reading.values_from
        if begin < len(reading.matches):
            reading.matches = first_matches(reading.matches, begin)
        added: list[tuple[int, int, int]] = []
        for value in reading.attributes.values():
            if value.name == "bmi" and is_child(reading.table.lower):
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
        code = self.releases.store(candidate.system).code_list[candidate.row]
        return "90460" <= code <= "90474" or "90476" <= code <= "90759" or code in _VACCINE_G

    def _combine(
        self, out: dict[tuple[System, int], CodeSupport], add: Add, trimester: frozenset[int]
    ) -> None:
        """Add combination codes whose conditions are all affirmed; mark the codes they replace.

        A combination that is a category (diseases that complicate pregnancy) is gone down by trimester.
        """
        present: dict[str, list[CodeSupport]] = {}
        for candidate in list(out.values()):
            if candidate.system == "ICD-10-CM" and any(
                s.similarity > _FIRM and self._speaks(candidate, s) for s in candidate.supports
            ):
                code = self._codes[candidate.row]
                for end in range(3, len(code) + 1):
                    present.setdefault(code[:end], []).append(candidate)
        found: list[tuple[CombinationRow, int, list[list[CodeSupport]]]] = []
        for item, named in self._combinations:
            parts = [[c for prefix in need for c in present.get(prefix, ())] for need in item.needs]
            if not all(parts):
                continue
            row = named
            if not self._store.billable[named]:
                resolved = self._resolver.resolve(named, context=trimester, side=0, phase="initial")
                if not resolved:
                    continue
                row = resolved[0].row
            found.append((item, row, parts))
            for group in parts:
                best = max(
                    (s for c in group for s in c.supports if self._speaks(c, s)),
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

    def _speaks(self, candidate: CodeSupport, support: Support) -> bool:
        """Whether a support affirms its code; one of history is affirmed by what is past."""
        past = HISTORICAL if self._codes[candidate.row].startswith("Z8") else 0
        return not support.flags & ~past

    def _drop_places(self, out: dict[tuple[System, int], CodeSupport], phase: Phase) -> None:
        """Take out place, activity and status where nothing is injured, or was treated before.

        Source: guidelines I.C.20.b and c: they are used once, at the initial encounter for treatment.
        """
        diagnoses = [c for c in out.values() if c.system == "ICD-10-CM"]
        if phase == "initial" and any(
            self._codes[c.row][0] in "STVWX" and any(not s.flags for s in c.supports) for c in diagnoses
        ):
            return
        for candidate in diagnoses:
            if self._codes[candidate.row].startswith(("Y92", "Y93", "Y99")):
                del out[candidate.system, candidate.row]

    def _drop_body_mass(self, out: dict[tuple[System, int], CodeSupport]) -> None:
        """Take out a body mass index below 30 kg/m2 that no diagnosis of weight or nourishment goes with.

        Source: guidelines I.B.14: it is coded beside such a diagnosis alone. From 30 on, obesity is at hand.
        """
        diagnoses = [c for c in out.values() if c.system == "ICD-10-CM"]
        low = [c for c in diagnoses if self._codes[c.row].startswith(("Z68.1", "Z68.2"))]
        if low and not any(
            self._codes[c.row].startswith(_OF_WEIGHT) and any(not s.flags for s in c.supports)
            for c in diagnoses
        ):
            for candidate in low:
                del out[candidate.system, candidate.row]

    def _history_fits(self, row: int, flags: int) -> bool:
        """Whether part of a term is enough: codes of history need its words or its flag."""
        asked = self._asked.get(row)
        if asked is None:
            category = self._codes[row][:3]
            history = HISTORICAL if "Z85" <= category <= "Z87" else 0
            asked = self._asked[row] = FAMILY if "Z80" <= category <= "Z84" else history
        return not asked or bool(flags & asked)

    def source(self, term: int) -> Source:
        """Source of a term."""
        return Source(self._terms.term_source.item(term))


def _beside(token: int, others: Sequence[int]) -> bool:
    """Whether one of the tokens lies at or just behind a token, or just before it."""
    at = bisect_left(others, token - 2)
    return at < len(others) and others[at] <= token + 4


def is_left_handed(lower: Sequence[str]) -> bool:
    """Whether a note says so of its patient (*left-handed*, *LHD*)."""
    if _HANDED.isdisjoint(lower):
        return False
    for at, word in enumerate(lower):
        if word == "handed":
            return "left" in lower[max(0, at - 2) : at]
        if word in _HANDED:
            return True
    return False


_HANDED = frozenset(("lefthanded", "lhd", "left-handed", "left-hand-dominant", "handed"))


_FOLLOW_UP = frozenset(
    (
        "follow-up",
        "followup",
        "postop",
        "postoperative",
        "aftercare",
        "healing",
        "rehabilitation",
        "recheck",
    )
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
    follow = not _FOLLOW_UP.isdisjoint(head) or any(
        [word == "follow" and "up" in head[i + 1 : i + 3] for i, word in enumerate(head)]
    )
    return "subsequent" if follow else "initial"
