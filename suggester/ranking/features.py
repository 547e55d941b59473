"""Named features of a candidate code in a note; what the ranker learns from.

They say how well words fit, where they stand, what is asserted of them and which rivals there are. None of
them names a code or a collection of notes, so that what is learned is general.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.terms import PHRASES, Source
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN, Reading
from suggester.ranking.candidates import CandidateFinder, CodeSupport, Support
from suggester.types import SYSTEMS, Setting

SECTION_GROUPS: dict[str, tuple[str, ...]] = {
    "assessment": ("assessment", "assessment_plan", "impression", "problem_list"),
    "final_diagnosis": (
        "discharge_diagnosis",
        "admission_diagnosis",
        "preoperative_diagnosis",
        "postoperative_diagnosis",
        "pathology_diagnosis",
    ),
    "plan": ("plan", "instructions", "discharge_instructions", "orders", "goals", "disposition"),
    "complaint": ("chief_complaint", "indication"),
    "story": ("hpi", "interval_history", "hospital_course"),
    "past": ("past_medical", "past_surgical", "obstetric"),
    "family": ("family",),
    "social": ("social",),
    "drugs": ("medications", "discharge_medications", "immunizations", "supplies"),
    "allergies": ("allergies",),
    "review": ("ros",),
    "exam": ("exam", "vitals"),
    "results": ("labs", "imaging", "results", "comparison"),
    "procedure": (
        "procedure",
        "technique",
        "anesthesia",
        "complications",
        "specimen",
        "gross",
        "microscopic",
    ),
    "findings": ("findings",),
    "header": ("header",),
}
"""Section kinds taken together."""

_GROUP_OF = {kind: i for i, kinds in enumerate(SECTION_GROUPS.values()) for kind in kinds}
_OTHER_GROUP = len(SECTION_GROUPS)
_TELLING_GROUPS = [_GROUP_OF[k] for k in ("assessment", "discharge_diagnosis", "findings", "procedure")]
_SHARPER = 0.3
"""By how much rarer words a sibling must be matched to count as more specific."""
_SEPARATORS = frozenset(",/;:().")
_LEXICONS = list(PHRASES)
_FLAGS = (
    ("negated", NEGATED),
    ("uncertain", UNCERTAIN),
    ("historical", HISTORICAL),
    ("hypothetical", HYPOTHETICAL),
    ("family", FAMILY),
)
_SECTION_SCORES = np.array(
    (3.0, 3.5, 1.0, 2.5, 1.5, 1.2, 0.2, 0.8, 0.8, 0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 1.0, 0.8)
)
"""How telling each section group is: final diagnosis and assessment over complaint over the rest."""
_GROUP_NAMES = (*SECTION_GROUPS, "other")

NAMES: tuple[str, ...] = (
    "coverage",
    "density",
    "hits",
    "rarity",
    "term_weight",
    "match_score",
    "from_title",
    "from_default",
    "from_inclusion",
    "from_lexicon",
    "from_other",
    "from_part",
    "own_share",
    "separators",
    "corrected",
    "method",
    "supported_words",
    "unsupported_words",
    "side_missing",
    "mentions",
    "sentences",
    "undominated",
    "affirmed",
    "negated_share",
    "uncertain_share",
    "historical_share",
    "hypothetical_share",
    "family_share",
    *(f"in_{name}" for name in _GROUP_NAMES),
    "as_heading",
    "at_line_start",
    "best_section_score",
    "category_best_ratio",
    "category_rank",
    "category_size",
    "overlap_better",
    "note_best_ratio",
    "chapter",
    "code_length",
    "unspecified_code",
    "other_code",
    "first_position",
    "note_words",
    "note_sections",
    "note_candidates",
    "setting",
    "route_words",
    "replaced",
    "stronger_sibling",
    "symptom_code",
    "firm_diagnoses",
    "symptom_beside_diagnosis",
    "specific_sibling",
    "specific_sibling_score",
    "same_words_better",
)
"""Names of the features, in the order of the columns."""

_SETTINGS: dict[Setting | None, float] = {None: 0.0, "outpatient": 1.0, "inpatient": 2.0, "emergency": 3.0}
_ROUTE = (
    "injection",
    "inject",
    "im",
    "iv",
    "infusion",
    "infused",
    "administered",
    "given",
    "intramuscular",
    "subcutaneous",
)


@dataclass(slots=True)
class Scored:
    """A candidate with the supports that count and its best one."""

    candidate: CodeSupport
    best: Support
    best_score: float
    undominated: int
    category: str
    first_token: int


class FeatureBuilder:
    """Computes the features of all candidates of one note.

    Parameters
    ----------
    finder
        The candidate finder whose candidates are described.
    """

    def __init__(self, finder: CandidateFinder) -> None:
        self._finder = finder
        releases = finder.releases
        self._codes = {system: releases.store(system).code_list for system in SYSTEMS}
        self._titles = releases.icd10cm.titles
        self._shapes: dict[int, tuple[bool, bool]] = {-1: (False, False)}
        vocabulary = releases.terms.vocabulary
        self._route = frozenset(vocabulary[w] for w in _ROUTE if w in vocabulary)

    def unspecified(self, row: int) -> bool:
        """Whether the title of a row of ICD-10-CM says that it is unspecified or without complication."""
        return self._shape(row)[0] or "without complication" in self._titles[row].lower()

    def _shape(self, row: int) -> tuple[bool, bool]:
        """Whether a title is of an unspecified code, and of an *other* code."""
        found = self._shapes.get(row)
        if found is None:
            title = self._titles[row].lower()
            unspecified = "unspecified" in title or title.endswith("nos")
            found = self._shapes[row] = (unspecified, title.startswith("other ") or " other " in title)
        return found

    def build(
        self, reading: Reading, candidates: Sequence[CodeSupport], *, setting: Setting | None
    ) -> tuple[NDArray[np.float32], list[Scored]]:
        """Features, shape ``(candidates, len(NAMES))``, and the scored candidates in the same order."""
        if not candidates:
            return np.zeros((0, len(NAMES)), dtype=np.float32), []
        marks = _Marks(reading)
        flat = _Flat(reading, candidates, marks)
        scored = self._scored(reading, candidates, flat)
        columns = self._own_columns(reading, candidates, flat, marks)
        columns.update(self._rival_columns(reading, scored, flat, marks))
        columns.update(self._note_columns(reading, len(scored), setting))
        table = np.empty((len(scored), len(NAMES)), dtype=np.float32)
        for number, name in enumerate(NAMES):
            table[:, number] = columns[name]
        return table, scored

    def _scored(self, reading: Reading, candidates: Sequence[CodeSupport], flat: _Flat) -> list[Scored]:
        first_of = np.minimum.reduceat(reading.matches.first[flat.match], flat.starts).tolist()
        undominated = flat.undominated.tolist()
        out: list[Scored] = []
        for number, (candidate, at) in enumerate(zip(candidates, flat.best.tolist(), strict=True)):
            code = self._codes[candidate.system][candidate.row]
            out.append(
                Scored(
                    candidate=candidate,
                    best=candidate.supports[at - int(flat.starts[number])],
                    best_score=float(flat.best_score[number]),
                    undominated=undominated[number],
                    category=code[:3] if candidate.system == "ICD-10-CM" else code[:4],
                    first_token=first_of[number],
                )
            )
        return out

    def _own_columns(
        self, reading: Reading, candidates: Sequence[CodeSupport], flat: _Flat, marks: _Marks
    ) -> dict[str, Any]:
        """How well the words fit, where they stand and what is asserted of them."""
        m, terms = reading.matches, self._finder.releases.terms
        at = flat.match[flat.best]
        term = m.term[at]
        source = terms.term_source[term]
        best = [c.supports[i] for c, i in zip(candidates, (flat.best - flat.starts).tolist(), strict=True)]
        resolved = [support.resolved for support in best]
        tokens = m.first[flat.match]
        count = flat.count.astype(np.float64)
        groups = np.bincount(
            flat.owner * len(_GROUP_NAMES) + marks.group[tokens], minlength=len(count) * len(_GROUP_NAMES)
        ).reshape(-1, len(_GROUP_NAMES))
        places = np.unique(flat.owner.astype(np.int64) << 32 | m.sentence[flat.match])
        icd = np.array([c.system == "ICD-10-CM" for c in candidates])
        rows = [c.row if c.system == "ICD-10-CM" else -1 for c in candidates]
        codes = [self._codes[c.system][c.row] for c in candidates]
        wrong = reading.words.corrected
        columns: dict[str, Any] = {
            "coverage": m.coverage[at],
            "density": m.density[at],
            "hits": m.hits[at],
            "rarity": m.weight[at],
            "term_weight": terms.term_weight[term],
            "match_score": flat.best_score,
            "from_title": source == Source.TITLE,
            "from_default": source == Source.DEFAULT,
            "from_inclusion": (source == Source.INCLUSION) | (source == Source.INCLUDES),
            "from_lexicon": np.isin(source, _LEXICONS),
            "from_other": source == Source.OTHER,
            "from_part": source == Source.PART,
            "own_share": m.own[at] / np.maximum(m.hits[at], 1),
            "separators": np.minimum(flat.separators[flat.best], 6),
            "corrected": [bool(wrong) and not wrong.isdisjoint(terms.term_words(t)) for t in term.tolist()],
            "method": [float(support.method) for support in best],
            "supported_words": [r.supported if r else 0.0 for r in resolved],
            "unsupported_words": [r.unsupported if r else 0.0 for r in resolved],
            "side_missing": [float(r.side_missing) if r else 0.0 for r in resolved],
            "mentions": np.minimum(count, 10),
            "sentences": np.minimum(np.bincount(places >> 32, minlength=len(count)), 10),
            "undominated": np.minimum(flat.undominated, 10),
            "affirmed": np.minimum(flat.per_candidate(flat.flags == 0), 10),
            "as_heading": np.minimum(flat.per_candidate(marks.heading[tokens]), 3),
            "at_line_start": np.minimum(flat.per_candidate(marks.line_start[tokens]), 3),
            "best_section_score": np.where(groups > 0, _SECTION_SCORES, 0.0).max(axis=1),
            "chapter": np.array(
                [float(ord(c[0]) - 64) if i else _range_of(c) for c, i in zip(codes, icd, strict=True)]
            ),
            "code_length": [float(len(code)) for code in codes],
            "unspecified_code": [self._shape(row)[0] for row in rows],
            "other_code": [self._shape(row)[1] for row in rows],
            "first_position": np.minimum.reduceat(tokens, flat.starts) / max(1, len(reading.table.lower)),
            "route_words": [not self._route.isdisjoint(reading.context(n)) for n in m.sentence[at].tolist()],
            "replaced": [float(c.replaced) for c in candidates],
        }
        for name, flag in _FLAGS:
            columns[f"{name}_share"] = flat.per_candidate((flat.flags & flag) != 0) / count
        for number, name in enumerate(_GROUP_NAMES):
            columns[f"in_{name}"] = np.minimum(groups[:, number], 4)
        return columns

    def _rival_columns(
        self, reading: Reading, scored: Sequence[Scored], flat: _Flat, marks: _Marks
    ) -> dict[str, Any]:
        """Which other candidates stand for the same words, the same category or the same note."""
        m = reading.matches
        best, score = flat.match[flat.best], flat.best_score
        numbers: dict[str, int] = {}
        category = np.array([numbers.setdefault(item.category, len(numbers)) for item in scored])
        top = np.zeros(len(numbers))
        np.maximum.at(top, category, score)
        size = np.bincount(category)
        same = category[:, None] == category[None, :]
        better = (same & (score[None, :] > score[:, None])).sum(axis=1)
        at_anchor = np.zeros(len(marks.group))
        np.maximum.at(at_anchor, m.anchor[flat.match], score[flat.owner])
        telling = (flat.flags == 0) & (m.coverage[flat.match] > COMPLETE) & marks.telling[m.first[flat.match]]
        firm = np.maximum.reduceat(np.where(telling, m.weight[flat.match], 0.0), flat.starts)
        strongest = np.zeros(len(numbers))
        np.maximum.at(strongest, category, firm)
        symptom = np.array([self._symptom(item) for item in scored], dtype=np.float64)
        diagnoses = float(min(int(((firm > 0) & (symptom == 0)).sum()), 10))
        rarity = m.weight[best]
        clear = (m.coverage[best] > COMPLETE) & (flat.per_candidate(flat.flags == 0) > 0)
        sharper = same & (rarity[None, :] > rarity[:, None] + _SHARPER) & clear[None, :]
        first, final = m.first[best], m.final[best]
        touching = (first[:, None] <= final[None, :]) & (first[None, :] <= final[:, None])
        return {
            "specific_sibling": np.minimum(sharper.sum(axis=1), 5),
            "specific_sibling_score": np.where(sharper, score[None, :], 0.0).max(axis=1),
            "same_words_better": np.minimum(
                (touching & (score[None, :] > score[:, None] + 1e-6)).sum(axis=1), 10
            ),
            "category_best_ratio": score / (top[category] + 1e-9),
            "category_rank": np.minimum(better, 10),
            "category_size": np.minimum(size[category], 20),
            "overlap_better": at_anchor[m.anchor[best]] > score + 1e-6,
            "note_best_ratio": score / (float(score.max()) or 1.0),
            "stronger_sibling": strongest[category] > m.weight[best] + 0.5,
            "symptom_code": symptom,
            "firm_diagnoses": diagnoses,
            "symptom_beside_diagnosis": symptom * diagnoses,
        }

    @staticmethod
    def _note_columns(reading: Reading, candidates: int, setting: Setting | None) -> dict[str, float]:
        return {
            "note_words": math.log1p(len(reading.words.place_token)),
            "note_sections": float(min(len(reading.sections.sections), 30)),
            "note_candidates": math.log1p(candidates),
            "setting": _SETTINGS[setting],
        }

    def _symptom(self, item: Scored) -> bool:
        """Whether the code is of a symptom or sign, by chapter R or the pain codes elsewhere."""
        if item.candidate.system != "ICD-10-CM":
            return False
        code = self._codes["ICD-10-CM"][item.candidate.row]
        return code[0] == "R" or code.startswith(("M25.5", "M25.4", "M54", "M79.6", "H57.1", "N64.4", "G89"))


class _Marks:
    """Marks of each token of a reading, as arrays."""

    def __init__(self, reading: Reading) -> None:
        size = max(1, len(reading.table.lower))
        group = [_GROUP_OF.get(kind, _OTHER_GROUP) for kind in reading.section_kind]
        self.group = np.array(group or [_OTHER_GROUP], dtype=np.int64)
        self.heading = np.zeros(size, dtype=np.bool_)
        self.heading[list(reading.heading_tokens)] = True
        self.line_start = np.zeros(size, dtype=np.bool_)
        self.line_start[list(reading.line_starts)] = True
        self.telling = np.isin(self.group, _TELLING_GROUPS)
        self.separators = np.cumsum([text in _SEPARATORS for text in reading.table.text] or [False])


class _Flat:
    """The supports of all candidates in one row, grouped by candidate.

    Attributes
    ----------
    owner, match, flags
        Candidate number, match and assertion bits of each support.
    starts, count
        First support and number of supports of each candidate.
    best, best_score
        The support of the best score, and that score, of each candidate.
    separators
        Commas, slashes, brackets and stops inside the words of each support.
    undominated
        Supports of each candidate whose match lies inside no heavier complete match.
    """

    def __init__(
        self,
        reading: Reading,
        candidates: Sequence[CodeSupport],
        marks: _Marks,
    ) -> None:
        m = reading.matches
        dominated = m.dominated
        self.count = np.array([len(c.supports) for c in candidates])
        self.starts = np.concatenate(([0], np.cumsum(self.count)[:-1]))
        self.owner = np.repeat(np.arange(len(candidates)), self.count)
        supports = [s for c in candidates for s in c.supports]
        self.match = np.array([s.match for s in supports])
        self.flags = np.array([s.flags for s in supports])
        similarity = np.array([s.similarity for s in supports])
        score = similarity * np.minimum(1.5, np.log1p(m.weight[self.match].astype(np.float64)) / 2)
        score *= np.where(self.flags & NEGATED, 0.3, 1.0) * np.where(dominated[self.match], 0.5, 1.0)
        self.separators = marks.separators[m.final[self.match]] - marks.separators[m.first[self.match]]
        score *= 0.85 ** np.minimum(self.separators, 8)
        self.best_score = np.maximum.reduceat(score, self.starts)
        top = np.flatnonzero(score >= self.best_score[self.owner] - 1e-9)
        _, first = np.unique(self.owner[top], return_index=True)
        self.best = top[first]
        self.undominated = self.per_candidate(~dominated[self.match])

    def per_candidate(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many chosen supports each candidate has."""
        return np.bincount(self.owner[chosen], minlength=len(self.count))


def _range_of(code: str) -> float:
    """First digit of a CPT number; 10 for codes that begin with a letter."""
    return float(int(code[0])) if code[0].isdigit() else 10.0
