"""Named features of a candidate code in a note; what the ranker learns from.

They say how well words fit, where they stand, what is asserted of them and which rivals there are. None of
them names a code or a collection of notes, so that what is learned is general.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.terms import PHRASES, Source, TermIndex
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.numbering import ByWord
from suggester.pipeline.pages import ranges
from suggester.pipeline.reading import Reading
from suggester.ranking.candidates import CandidateFinder, CodeSupport, Support
from suggester.ranking.laid_out import (
    AFFIRMED,
    FLAGGED,
    FLAGS,
    HEADING,
    LINE_START,
    SECTION_GROUPS,
    UNDOMINATED,
    Family,
    Flat,
    Marks,
)
from suggester.ranking.voice import VOICES, read_voices
from suggester.types import SYSTEMS, Setting

_SHARPER = 0.3
"""By how much rarer words a sibling must be matched to count as more specific."""
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
    "note_lines",
    *(f"{voice}_words" for voice in VOICES),
    "past_share",
    "told_afterwards",
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
_MOSTLY_PAST, _OFTEN_PAST, _FEW_SECTIONS = 0.6, 0.02, 3
"""A note is told afterwards, as published cases are, where so much of its verbs and words is of the past and
it has so few sections."""
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

_AT = {name: number for number, name in enumerate(NAMES)}
_COVERAGE, _FROM, _SHARES, _IN, _NOTE = (
    _AT[n] for n in ("coverage", "from_title", "negated_share", "in_assessment", "note_words")
)
_AT_MOST = {
    "separators": 6,
    "mentions": 10,
    "sentences": 10,
    "undominated": 10,
    "affirmed": 10,
    **{f"in_{name}": 4 for name in _GROUP_NAMES},
    "as_heading": 3,
    "at_line_start": 3,
    "specific_sibling": 5,
    "same_words_better": 10,
    "category_rank": 10,
    "category_size": 20,
}
"""What is counted no further."""
_MOST = np.array([_AT_MOST.get(name, np.inf) for name in NAMES], dtype=np.float32)[:, None]
_FROM_SOURCES: tuple[tuple[Source, ...], ...] = (
    (Source.TITLE,),
    (Source.DEFAULT,),
    (Source.INCLUSION, Source.INCLUDES),
    PHRASES,
    (Source.OTHER,),
    (Source.PART,),
)
_FROM_TABLE = np.array([[source in group for source in Source] for group in _FROM_SOURCES])
"""Whether a source is of each of the columns from ``from_title`` on, shape ``(columns, sources)``."""
_TRAITS = ("chapter", "code_length", "unspecified_code", "other_code", "symptom_code")
"""Features that a code has in every note."""
_SYMPTOMS = ("M25.5", "M25.4", "M54", "M79.6", "H57.1", "N64.4", "G89")
"""Codes of symptoms outside chapter R: pain."""
_HEARD = np.array([[bits >> bit & 1 for bit in range(len(VOICES))] for bits in range(1 << len(VOICES))])
"""Which voices some bits are, shape ``(bits, voices)``."""


@dataclass(slots=True)
class Scored:
    """A candidate with the supports that count and its best one."""

    candidate: CodeSupport
    best: Support
    best_score: float
    undominated: int
    category: str
    first_token: int


Described = tuple[NDArray[np.float32], list[Scored]]
"""Features, shape ``(candidates, len(NAMES))``, and the scored candidates in the same order."""


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
        self._vague: dict[int, bool] = {}
        ends = np.cumsum([len(self._codes[system]) for system in SYSTEMS]).tolist()
        self._offset = dict(zip(SYSTEMS, (0, *ends), strict=False))
        self._traits = np.full((len(_TRAITS), ends[-1]), np.nan, dtype=np.float32)
        vocabulary = releases.terms.vocabulary
        self._voices = read_voices()
        self._voiced = ByWord(self._voices_of, np.int8)
        self._route = frozenset(vocabulary[w] for w in _ROUTE if w in vocabulary)

    def unspecified(self, row: int) -> bool:
        """Whether the title of a row of ICD-10-CM says that it is unspecified or without complication."""
        found = self._vague.get(row)
        if found is None:
            found = self._shape(row)[0] or "without complication" in self._titles[row].lower()
            self._vague[row] = found
        return found

    def _voices_of(self, word: str) -> int:
        """The voices that a word is of, as bits in their order."""
        return sum(1 << bit for bit, voice in enumerate(VOICES) if word in self._voices[voice])

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
    ) -> Described:
        """Features and scored candidates of one head of the ranker; see ``Described``."""
        (described,) = self.build_groups(reading, (candidates,), setting=setting)
        return described

    def build_groups(
        self, reading: Reading, groups: Sequence[Sequence[CodeSupport]], *, setting: Setting | None
    ) -> list[Described]:
        """The same for several groups of candidates: rivals are sought within each group alone."""
        rows, scored, spans = self.lay_out(reading, groups, columns=len(NAMES), setting=setting)
        return [(rows[:, begin:end].T, scored[begin:end]) for begin, end in spans]

    def lay_out(
        self,
        reading: Reading,
        groups: Sequence[Sequence[CodeSupport]],
        *,
        columns: int,
        setting: Setting | None,
    ) -> tuple[NDArray[np.float32], list[Scored], list[tuple[int, int]]]:
        """A table of several groups of candidates one after the other, them scored, and each group's span.

        The table has a row for each of ``columns`` columns and a column for each candidate; rows behind those
        of ``NAMES`` are left to be filled.
        """
        ends = list(accumulate(map(len, groups)))
        spans = list(zip([0, *ends], ends, strict=False))
        candidates = [candidate for group in groups for candidate in group]
        rows = np.empty((columns, len(candidates)), dtype=np.float32)
        if not candidates:
            return rows, [], spans
        marks = Marks(reading)
        flat = Flat(reading, candidates, marks)
        scored = self._scored(candidates, flat)
        self._own(reading, candidates, flat, marks, rows)
        self._rivals(reading, scored, flat, marks, rows, [span for span in spans if span[0] < span[1]])
        self._of_note(reading, rows, setting)
        for begin, end in spans:
            rows[_AT["note_candidates"], begin:end] = math.log1p(end - begin)
        named = rows[: len(NAMES)]
        np.minimum(named, _MOST, out=named)
        return rows, scored, spans

    def _scored(self, candidates: Sequence[CodeSupport], flat: Flat) -> list[Scored]:
        codes = self._codes
        return list(
            map(
                Scored,
                candidates,
                flat.best_support,
                flat.best_score.tolist(),
                flat.counts[UNDOMINATED].tolist(),
                [codes[c.system][c.row][: 3 if c.system == "ICD-10-CM" else 4] for c in candidates],
                flat.first_token.tolist(),
            )
        )

    def _own(
        self,
        reading: Reading,
        candidates: Sequence[CodeSupport],
        flat: Flat,
        marks: Marks,
        rows: NDArray[np.float32],
    ) -> None:
        """How well the words fit, where they stand and what is asserted of them."""
        m, terms = reading.matches, self._finder.releases.terms
        at = flat.best_match
        term, hits = m.term.take(at), m.hits.take(at)
        resolved = [support.resolved for support in flat.best_support]
        size, kinds = len(candidates), len(_GROUP_NAMES)
        places = flat.owner * kinds + marks.group.take(flat.tokens)
        groups = np.bincount(places, minlength=size * kinds).reshape(size, kinds).T
        rows[_COVERAGE] = m.coverage.take(at)
        rows[_COVERAGE + 1] = m.density.take(at)
        rows[_COVERAGE + 2] = hits
        rows[_COVERAGE + 3] = m.weight.take(at)
        rows[_COVERAGE + 4] = terms.term_weight.take(term)
        rows[_COVERAGE + 5] = flat.best_score
        rows[_FROM : _FROM + len(_FROM_SOURCES)] = _FROM_TABLE.take(terms.term_source.take(term), axis=1)
        rows[_AT["own_share"]] = m.own.take(at) / np.maximum(hits, 1)
        rows[_AT["separators"]] = flat.separators.take(flat.best)
        rows[_AT["corrected"]] = _any_word(terms, term, reading.words.corrected)
        rows[_AT["method"]] = [support.method for support in flat.best_support]
        rows[_AT["supported_words"]] = [r.supported if r else 0.0 for r in resolved]
        rows[_AT["unsupported_words"]] = [r.unsupported if r else 0.0 for r in resolved]
        rows[_AT["side_missing"]] = [r.side_missing if r else 0.0 for r in resolved]
        rows[_AT["mentions"]] = flat.count
        rows[_AT["sentences"]] = flat.sentences(m)
        counts = flat.counts
        rows[_AT["undominated"]] = counts[UNDOMINATED]
        rows[_AT["affirmed"]] = counts[AFFIRMED]
        rows[_SHARES : _SHARES + len(FLAGS)] = counts[FLAGGED : FLAGGED + len(FLAGS)] / flat.count
        rows[_IN : _IN + kinds] = groups
        rows[_AT["as_heading"]] = counts[HEADING]
        rows[_AT["at_line_start"]] = counts[LINE_START]
        rows[_AT["best_section_score"]] = np.maximum.reduce(_SECTION_SCORES[:, None] * (groups > 0))
        traits = self._traits_of(candidates)
        for number, name in enumerate(_TRAITS):
            rows[_AT[name]] = traits[number]
        rows[_AT["first_position"]] = flat.first_token / max(1, len(reading.table.lower))
        rows[_AT["route_words"]] = self._beside_route(reading, m.sentence.take(at).tolist())
        rows[_AT["replaced"]] = [c.replaced for c in candidates]

    def _traits_of(self, candidates: Sequence[CodeSupport]) -> NDArray[np.float32]:
        """What a code says by itself, ``_TRAITS`` by candidate; kept once worked out."""
        offset = self._offset
        places = np.array([offset[c.system] + c.row for c in candidates], dtype=np.intp)
        found = self._traits.take(places, axis=1)
        for number in np.isnan(found[0]).nonzero()[0].tolist():
            candidate = candidates[number]
            code = self._codes[candidate.system][candidate.row]
            if candidate.system == "ICD-10-CM":
                shape = self._shape(candidate.row)
                symptom = code[0] == "R" or code.startswith(_SYMPTOMS)
                traits = float(ord(code[0]) - 64), float(len(code)), *shape, symptom
            else:
                traits = _range_of(code), float(len(code)), False, False, False
            found[:, number] = self._traits[:, places[number]] = traits
        return found

    def _beside_route(self, reading: Reading, sentences: Sequence[int]) -> list[bool]:
        """Whether each sentence has a word of giving a drug."""
        known: dict[int, bool] = {}
        for sentence in sentences:
            if sentence not in known:
                known[sentence] = not self._route.isdisjoint(reading.context(sentence))
        return [known[sentence] for sentence in sentences]

    def _rivals(
        self,
        reading: Reading,
        scored: Sequence[Scored],
        flat: Flat,
        marks: Marks,
        rows: NDArray[np.float32],
        spans: Sequence[tuple[int, int]],
    ) -> None:
        """Which other candidates of a group stand for the same words, the same category or the same note.

        ``spans`` are where the groups begin and end.
        """
        m = reading.matches
        score = flat.best_score
        begins = [begin for begin, _ in spans]
        group = np.arange(len(spans)).repeat([end - begin for begin, end in spans])
        # the best score at each token, of each group apart
        place = m.anchor.take(flat.match) + len(marks.group) * group.take(flat.owner)
        at_anchor = np.zeros(len(marks.group) * len(spans))
        np.maximum.at(at_anchor, place, score.take(flat.owner))
        complete = m.coverage.take(flat.match) > COMPLETE
        telling = (flat.flags == 0) & complete & marks.telling.take(flat.tokens)
        firm = np.maximum.reduceat(np.where(telling, flat.weight, 0.0), flat.starts)
        symptom = rows[_AT["symptom_code"]]
        found = np.add.reduceat((firm > 0) & (symptom == 0), begins, dtype=np.intp)
        diagnoses = np.minimum(found, 10).take(group)
        rarity = flat.weight.take(flat.best)
        clear = complete.take(flat.best) & (flat.counts[AFFIRMED] > 0)
        family = Family([item.category for item in scored])
        of, with_ = family.one, family.other
        beside = score.take(with_)
        sharper = (rarity.take(with_) > (rarity + _SHARPER).take(of)) & clear.take(with_)
        first, final = m.first.take(flat.best_match), m.final.take(flat.best_match)
        for begin, end in spans:
            rows[_AT["same_words_better"], begin:end] = _better(
                first[begin:end], final[begin:end], score[begin:end]
            )
        top = np.maximum.reduceat(score, begins).take(group)
        rows[_AT["specific_sibling"]] = family.count(sharper)
        rows[_AT["specific_sibling_score"]] = family.most(np.where(sharper, beside, 0.0))
        rows[_AT["category_best_ratio"]] = score / (family.most(beside) + 1e-9)
        rows[_AT["category_rank"]] = family.count(beside > score.take(of))
        rows[_AT["category_size"]] = family.size
        rows[_AT["overlap_better"]] = at_anchor.take(place.take(flat.best)) > score + 1e-6
        rows[_AT["note_best_ratio"]] = score / np.where(top == 0, 1.0, top)
        rows[_AT["stronger_sibling"]] = family.most(firm.take(with_)) > rarity + 0.5
        rows[_AT["firm_diagnoses"]] = diagnoses
        rows[_AT["symptom_beside_diagnosis"]] = symptom * diagnoses

    def _of_note(self, reading: Reading, rows: NDArray[np.float32], setting: Setting | None) -> None:
        """What is the same for all candidates; lines and words of a voice in their share of all words."""
        count, table, sections = len(reading.words.place_token), reading.table, len(reading.sections.sections)
        words = max(1, count)
        heard = np.bincount(self._voiced.of(table.numbering, table.numbers), minlength=1 << len(VOICES))
        said = (heard @ _HEARD).tolist()
        past, present = said[VOICES.index("past")], said[VOICES.index("present")]
        share = (past + 0.5) / (past + present + 1)
        of_note = {  # in the order of the columns; the candidates of a group are counted by the caller
            "note_words": math.log1p(count),
            "note_sections": min(sections, 30),
            "note_candidates": 0.0,
            "note_lines": min(len(table.lines) / words, 1.0),
            **{f"{voice}_words": one / words for voice, one in zip(VOICES, said, strict=True)},
            "past_share": share,
            "told_afterwards": (
                share > _MOSTLY_PAST and past > _OFTEN_PAST * words and sections <= _FEW_SECTIONS
            ),
            "setting": _SETTINGS[setting],
        }
        rows[_NOTE : _NOTE + len(of_note)] = np.array(list(of_note.values()))[:, None]


def _better(
    first: NDArray[np.int32], final: NDArray[np.int32], score: NDArray[np.float64]
) -> NDArray[np.intp]:
    """How many of some candidates of a higher score rest on some of the same tokens as each."""
    touching = first[:, None] <= final
    touching &= touching.T
    touching &= score > score[:, None] + 1e-6
    found: NDArray[np.intp] = np.add.reduce(touching, axis=1, dtype=np.intp)
    return found


def _any_word(terms: TermIndex, chosen: NDArray[np.int32], wanted: frozenset[int]) -> NDArray[np.bool_]:
    """Whether each of some terms has one of the wanted words."""
    found = np.zeros(len(chosen), dtype=np.bool_)
    if not wanted:
        return found
    owner, at, _ = ranges(terms.term_ptr[chosen], terms.term_ptr[chosen + 1])
    words = terms.term_word[at]
    for word in wanted:
        found[owner[words == word]] = True
    return found


def _range_of(code: str) -> float:
    """First digit of a CPT number; 10 for codes that begin with a letter."""
    return float(int(code[0])) if code[0].isdigit() else 10.0
