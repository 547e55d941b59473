"""The type of diabetes that a note names holds for all of its complications (guidelines I.C.4.a).

*Diabetic nephropathy* names no type, and the alphabetic index leads to type 2 by default. Where a note names
type 1 alone its complications are of type 1; where it names type 2 alone words that fit type 1 in part mean
nothing. Where it names diabetes of another cause alone (*type 3c*, *steroid-induced*, *LADA*) its
complications are of that category too; the codes of type 2 stay beside them, for the cause may be in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import PHRASES, Target, TermIndex
from suggester.pipeline.reading import Reading
from suggester.ranking.support import CodeSupport, Gathered

_ONE: Final = "E10."
_TWO: Final = "E11."
_OTHERS: Final = ("E08.", "E09.", "E13.")
"""Diabetes of an underlying condition, of drugs, and other specified diabetes."""
_WHOLE: Final = 0.98
"""Similarity from which words name a type."""
_PLAIN: Final = ("8", "9")
"""Suffixes of diabetes with unspecified or without complications, which need no copy."""
_SAY_TWO: Final = ("2", "ii", "two", "t2dm", "t2d", "dm2", "dmii", "tiidm", "niddm", "noninsulin")
"""Words of terms that say type 2 themselves."""


class DiabetesType:
    """Brings the codes of diabetes to the one type that a note names.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    terms
        The term index over it.
    """

    def __init__(self, store: ReleaseStore, terms: TermIndex) -> None:
        codes = store.code_list
        self._one = frozenset(store.with_prefix(_ONE[:3]))
        row_of = {codes[row]: row for row in self._one if store.billable[row]}
        self._two = {
            row: row_of.get(_ONE + codes[row].removeprefix(_TWO))
            for row in store.with_prefix(_TWO[:3])
            if store.billable[row]
        }
        self._told = self._one.union(self._two)
        self._others = {
            other: {
                codes[row]: row for row in store.with_prefix(other.removesuffix(".")) if store.billable[row]
            }
            for other in _OTHERS
        }
        self._source = terms.term_source
        self._suffixes = {row: codes[row].removeprefix(_TWO) for row in self._two}
        self._says_two = self._terms_saying(terms, {terms.vocabulary.get(word, -1) for word in _SAY_TWO})

    def _terms_saying(self, terms: TermIndex, said: set[int]) -> frozenset[int]:
        """The terms under type 2 that hold a word of it."""
        named = np.flatnonzero(terms.term_target == Target.ICD10CM)
        under = named[np.isin(terms.term_row[named], list(self._two) or [-1])].tolist()
        return frozenset(term for term in under if not said.isdisjoint(terms.term_words(term)))

    def settle(self, found: Gathered, reading: Reading) -> None:
        """Move what names no type to type 1 or copy it to another cause; drop what fits type 1 in part."""
        out = found.diagnoses
        if self._told.isdisjoint(out):
            return
        twos = [row for row in out if row in self._two]
        ones = [row for row in out if row in self._one]
        others = [other for other in _OTHERS if any(row in out for row in self._others[other].values())]
        if not ones and not (twos and others):
            return
        term = reading.matches.terms
        one = any(_names(out[row]) for row in ones)
        two = any(
            not s.flags and s.similarity >= _WHOLE and term[s.match] in self._says_two
            for row in twos
            for s in out[row].supports
        )
        if not one and not two:
            self._copy(found, twos, others, term)
        if one == two:
            return
        if two:
            for row in ones:
                if not any(s.similarity >= _WHOLE for s in out[row].supports):
                    del out[row]
            return
        for row in [row for row in out if row in self._two]:
            candidate, target = out.pop(row), self._two[row]
            if target is not None:
                found.move(candidate, target)

    def _is_written(self, candidate: CodeSupport, term: Sequence[int]) -> bool:
        """Whether a phrase of the lexicon names a code: titles of these categories say *diabetes* alone."""
        return any(
            not s.flags and s.similarity >= _WHOLE and int(self._source[term[s.match]]) in PHRASES
            for s in candidate.supports
        )

    def _copy(self, found: Gathered, twos: Sequence[int], others: Sequence[str], term: Sequence[int]) -> None:
        """Let what speaks for a complication of type 2 speak for that of the one other category named.

        Other specified diabetes gives way where one of the two others is named beside it.
        """
        out = found.diagnoses
        named = [
            other
            for other in others
            if any(self._is_written(out[row], term) for row in self._others[other].values() if row in out)
        ]
        if not named or (len(named) > 1 and named[1] != _OTHERS[-1]):
            return
        rows = self._others[named[0]]
        for row in twos:
            suffix = self._suffixes[row]
            target = rows.get(named[0] + suffix)
            if target is not None and suffix not in _PLAIN:
                found.move(replace(out[row], supports=list(out[row].supports)), target)


def _names(candidate: CodeSupport) -> bool:
    return any(not s.flags and s.resolved is not None and s.similarity >= _WHOLE for s in candidate.supports)


__all__ = ["DiabetesType"]
