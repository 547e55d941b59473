"""Search for codes: by prefix, by words of a title, by lay phrase, forgiving misspellings.

A query is read in several ways (*readings*): as written, and with its phrases put as the lexicon puts them
(``heart attack`` as ``myocardial infarction``). A reading is a row of *slots*, one for each content word,
each with the words that may stand there and how well each fits. A term scores by the share of the reading
that it holds and by the share of its own words that the reading asks for. A category brings its default code
along: what the alphabetic index would name for the main term alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.defaults import DefaultCodes
from suggester.codesets.spelling import Speller
from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import SIDES, Source, Target, TermIndex
from suggester.codesets.words import named_words, words
from suggester.errors import UnknownCodeError
from suggester.types import SYSTEMS, Code, System

_SYSTEM_OF: dict[int, System] = {Target.CPT: "CPT", Target.HCPCS: "HCPCS"}
_CODE = re.compile(r"(?=.*\d)[A-Za-z][0-9A-Za-z]{1,7}(?:\.[0-9A-Za-z]{0,4})?|\d{2,5}[A-Za-z]?")
_CODE_WITH_DOT = re.compile(r"[A-Za-z][0-9A-Za-z]{2}\.[0-9A-Za-z]{0,4}")

_SYNONYM = 0.97
_ABBREVIATION = 0.95
_PREFIX = 0.9
_ONE_EDIT = 0.92
_TWO_EDITS = 0.8
"""How well a word fits that was not written: a synonym, the meaning of an abbreviation, a completion, a
correction."""

_OWN_SHARE = 0.55
"""Part of a score that a term's own words decide; the query decides the rest."""
_OTHER = 0.93
"""A term that says 'other …' means what its siblings do not."""
_DRUG = 0.8
"""A drug's name leads to the code of its long-term use."""
_NEXT_ROW = 1e-4
"""Keeps the rows of one term in their order."""
_NOT_FIRST = 0.96
"""A title that begins with another word than the query begins or ends with is less what was meant."""
_LEAST = 0.2
_MOST_WORDS = 16
"""Content words of a query beyond these are not looked at."""
_MOST_READINGS = 24
_MOST_TERMS = 200
_MOST_COMPLETIONS = 40
_SHORTEST_PREFIX = 3
_UNKNOWN_WEIGHT = 6.0

_FIT_OF_SOURCE = {
    Source.OTHER: _OTHER,
    Source.DRUG: _DRUG,
    Source.HCPCS_SHORT: 0.97,
    Source.CPT_DESCRIPTOR: 0.97,
    Source.CHARGE: 0.97,
    Source.INDEX_TABLE: 0.98,
    Source.INCLUDES: 0.98,
    Source.PART: 0.98,
    Source.INCLUSION: 0.995,
}

_Slot = dict[int, float]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A code, the phrase that led to it, and how well the query fits it in [0, 1]."""

    code: Code
    matched: str
    score: float


@dataclass(frozen=True, slots=True)
class _Reading:
    slots: tuple[_Slot, ...]
    fit: float


class Searcher:
    """Search over one release of each system. What it works out on the way it keeps.

    Parameters
    ----------
    terms
        The term index.
    stores
        The releases it is over.
    """

    def __init__(self, terms: TermIndex, stores: Mapping[System, ReleaseStore]) -> None:
        self._terms = terms
        self._stores = stores
        self._speller = Speller(terms)
        self._defaults = DefaultCodes(stores["ICD-10-CM"], terms)

    def search(self, query: str, *, within: Collection[System], limit: int = 20) -> list[SearchHit]:
        """Best codes for a query, best first; ties by length of code, system and code.

        Parameters
        ----------
        query
            The beginning of a code (dot and case do not matter), or words.
        within
            The systems to look in.
        limit
            Most hits.
        """
        text = query.strip()
        hits = self._by_code(text, within, limit) if _CODE.fullmatch(text) else {}
        if not hits and not _CODE_WITH_DOT.fullmatch(text):  # "T2DM" and "A1c" look like codes but are words
            hits = self._by_words(text, within)
        ranked = sorted(
            hits.values(),
            key=lambda h: (-round(h.score, 6), len(h.code.code), SYSTEMS.index(h.code.system), h.code.code),
        )
        return ranked[:limit]

    def _by_code(
        self, text: str, within: Collection[System], limit: int
    ) -> dict[tuple[System, str], SearchHit]:
        wanted = text.replace(".", "").upper()
        hits: dict[tuple[System, str], SearchHit] = {}
        for system, store in self._stores.items():
            if system not in within:
                continue
            rows = sorted(store.with_prefix(text), key=lambda row: (len(store.codes[row]), row))[:limit]
            codes = [store.code(row) for row in rows]
            exact = any(code.code.replace(".", "") == wanted for code in codes)
            for code in codes:
                score = 0.98 + 0.01 * exact + 0.01 * (code.code.replace(".", "") == wanted)
                hits[system, code.code] = SearchHit(code, code.code, score)
        return hits

    def _by_words(self, text: str, within: Collection[System]) -> dict[tuple[System, str], SearchHit]:
        hits: dict[tuple[System, str], SearchHit] = {}
        stems = words(text)
        side = next((SIDES[w] for w in stems if w in SIDES), 0)
        for term, fit in self._best_terms(text):
            phrase = " ".join(self._terms.phrases[term].split())
            system, rows = self._rows_of(term, side)
            if system not in within:
                continue
            for place, row in enumerate(rows):
                code = self._stores[system].code(row)
                score = fit * self._fit_of_code(code, phrase, stems) - _NEXT_ROW * place
                old = hits.get((system, code.code))
                if old is None or score > old.score:
                    hits[system, code.code] = SearchHit(code, phrase, min(score, 1.0))
        return hits

    def _rows_of(self, term: int, side: int) -> tuple[System, list[int]]:
        """The system that a term leads to and the rows to show for it, best first."""
        target, row = int(self._terms.term_target[term]), int(self._terms.term_row[term])
        if target == Target.DRUG:
            found = self._long_term_row(row)
            return "ICD-10-CM", [] if found is None else [found]
        if target == Target.ICD10CM:
            return "ICD-10-CM", self._defaults.around(row, side)
        return _SYSTEM_OF[target], [row]

    def _fit_of_code(self, code: Code, phrase: str, stems: Sequence[str]) -> float:
        """How well a code's title suits a query whose words a phrase of the code holds."""
        fit = 1.0
        if code.system == "ICD-10-CM" and " other " in f" {phrase}":
            fit *= _OTHER
        main = next((w for w in words(code.display) if w not in self._terms.stop_words), None)
        if main is not None and main not in (stems[0], stems[-1]):
            fit *= _NOT_FIRST
        return fit

    def _long_term_row(self, drug: int) -> int | None:
        """Row of the ICD-10-CM code that long-term use of a drug carries."""
        try:
            return self._stores["ICD-10-CM"].row(self._terms.drugs[drug][2])
        except UnknownCodeError:
            return None

    def _best_terms(self, text: str) -> list[tuple[int, float]]:
        """Terms that fit a query best, with their scores."""
        best = np.zeros(len(self._terms.term_weight), dtype=np.float32)
        for reading in self._readings(text):
            np.maximum(best, self._score(reading), out=best)
        best *= self._fit
        chosen = np.argsort(-best, kind="stable")[:_MOST_TERMS]
        return [(int(term), float(best[term])) for term in chosen if best[term] >= _LEAST]

    @cached_property
    def _fit(self) -> NDArray[np.float32]:
        """Of each term, by its source."""
        out = np.ones(len(self._terms.term_weight), dtype=np.float32)
        for source, fit in _FIT_OF_SOURCE.items():
            out[self._terms.term_source == source] = fit
        return out

    def _score(self, reading: _Reading) -> NDArray[np.float32]:
        """Score of every term for one reading."""
        idf = self._terms.idf
        size = len(self._terms.term_weight)
        asked = 0.0
        held = np.zeros(size, dtype=np.float32)
        own = np.zeros(size, dtype=np.float32)
        counted: set[int] = set()
        for slot in reading.slots:
            weight = max((float(idf[w]) for w in slot), default=0.0) or _UNKNOWN_WEIGHT
            asked += weight
            fit = np.zeros(size, dtype=np.float32)
            for word, quality in slot.items():
                at = self._terms_with(word)
                fit[at] = np.maximum(fit[at], np.float32(quality))
                if word not in counted:
                    counted.add(word)
                    own[at] += idf[word]
            held += np.float32(weight) * fit
        if not asked:
            return held
        share = np.minimum(own / np.maximum(self._terms.term_weight, np.float32(1e-6)), np.float32(1))
        held *= np.float32(reading.fit / asked)
        held *= 1 - _OWN_SHARE + _OWN_SHARE * share
        return held

    @cached_property
    def _postings(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Pointers by word, and the terms that hold each word."""
        counts = np.diff(self._terms.term_ptr)
        term_of = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        order = np.argsort(self._terms.term_word, kind="stable")
        pointers = np.zeros(len(self._terms.idf) + 1, dtype=np.int64)
        np.cumsum(np.bincount(self._terms.term_word, minlength=len(self._terms.idf)), out=pointers[1:])
        return pointers, term_of[order]

    def _terms_with(self, word: int) -> NDArray[np.int32]:
        pointers, held = self._postings
        return held[pointers[word] : pointers[word + 1]]

    @cached_property
    def _rewrites(self) -> dict[int, list[tuple[tuple[int, ...], tuple[int, ...], str]]]:
        """By first word of a phrase: the phrase, what it may be written as, kind.

        Forms of one word stand for each other both ways: ``bite`` finds ``Bitten by dog``.
        """
        out: dict[int, list[tuple[tuple[int, ...], tuple[int, ...], str]]] = {}
        for line in self._terms.rewrites:
            left, right, kind = json.loads(line)
            out.setdefault(left[0], []).append((tuple(left), tuple(right), kind))
            if kind == "form" and len(left) == len(right) == 1 and self._terms.frequency[left[0]]:
                out.setdefault(right[0], []).append((tuple(right), tuple(left), kind))
        return out

    def _readings(self, text: str) -> list[_Reading]:
        """The ways to read a query, as written first."""
        content = (w for w in named_words(text) if w not in self._terms.stop_words and w not in SIDES)
        stems = list(dict.fromkeys(content))[:_MOST_WORDS]
        options = [self._written(w) for w in stems]
        first = [next(iter(slot), -1) for slot in options]
        plain = _Reading(tuple(self._with_synonyms(slot) for slot in options), 1.0)
        readings = [plain] if stems else []
        for reading in self._rewritten(first, plain.slots, 0):
            if len(readings) >= _MOST_READINGS:
                break
            if reading.fit < 1:
                readings.append(reading)
        return readings

    def _rewritten(self, ids: Sequence[int], slots: Sequence[_Slot], at: int) -> Iterator[_Reading]:
        """Readings of the words from a place on, longest phrases first, the words as written last."""
        if at >= len(ids):
            yield _Reading((), 1.0)
            return
        found = [r for r in self._rewrites.get(ids[at], ()) if tuple(ids[at : at + len(r[0])]) == r[0]]
        for left, right, kind in sorted(found, key=lambda r: -len(r[0])):
            if len(left) > 1 or len(right) > 1:
                fit = _ABBREVIATION if kind == "abbreviation" else _SYNONYM
                head = tuple(self._with_synonyms({word: 1.0}) for word in right)
                for tail in self._rewritten(ids, slots, at + len(left)):
                    yield _Reading((*head, *tail.slots), fit * tail.fit)
        for tail in self._rewritten(ids, slots, at + 1):
            yield _Reading((slots[at], *tail.slots), tail.fit)

    def _written(self, stem: str) -> _Slot:
        """The word itself, or what it may be the beginning or a misspelling of, best first."""
        terms = self._terms
        own = terms.vocabulary.get(stem)
        if own is not None and (terms.frequency[own] or own in self._rewrites):
            return {own: 1.0}
        slot = {
            word: _ONE_EDIT if edits == 1 else _TWO_EDITS for word, edits in self._speller.near(stem, limit=6)
        }
        if len(stem) >= _SHORTEST_PREFIX:
            begun = [i for w, i in terms.vocabulary.items() if w.startswith(stem) and terms.frequency[i]]
            begun.sort(key=lambda i: (-int(terms.frequency[i]), i))
            for word in begun[:_MOST_COMPLETIONS]:
                slot[word] = max(slot.get(word, 0.0), _PREFIX)
        best = sorted(slot, key=lambda word: (-slot[word], -int(terms.frequency[word]), word))
        return {word: slot[word] for word in best}

    def _with_synonyms(self, slot: _Slot) -> _Slot:
        """The slot with the single words that its words may be written as."""
        out = dict(slot)
        for word, quality in slot.items():
            for left, right, kind in self._rewrites.get(word, ()):
                if len(left) == len(right) == 1:
                    fit = quality * (_ABBREVIATION if kind == "abbreviation" else _SYNONYM)
                    out[right[0]] = max(out.get(right[0], 0.0), fit)
        return out
