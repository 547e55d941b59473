"""Which of two sibling codes the site in the words speaks for.

A site that the words say goes before the sibling for *other part* or *other specified* of the same thing (a
heel ulcer is one of heel and midfoot, not of another part of the foot), and a code of an *unspecified part*
that the words name whole goes before one of a part that they do not say (a displaced clavicle fracture is
none of its shaft). Where two titles differ in *other* and *unspecified* alone, words that came from the title
of the *other* one say nothing of another: the unspecified code goes before it (an ankle sprain is one of an
unspecified ligament).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from suggester.codesets.store import ReleaseStore
from suggester.codesets.terms import SIDE_WORDS, Source, TermIndex
from suggester.codesets.words import NEUTRAL, words
from suggester.pipeline.matching import COMPLETE
from suggester.pipeline.reading import Reading
from suggester.ranking.features import Scored
from suggester.ranking.sites import Sites

_OTHER: Final = re.compile(r"\bother (?:part|site|specified)")
_UNSPECIFIED: Final = re.compile(r"\bunspecified part\b")
_JOINED: Final = re.compile(r"\b(?:and|or)\b")
_NO_SITE: Final = NEUTRAL | SIDE_WORDS | {"part", "site", "displaced", "nondisplaced"}
_WORD: Final = re.compile(r"[a-z0-9]+")
_OPEN: Final = frozenset(("other", "specified", "unspecified", "nos", "of"))
_TITLES: Final = frozenset(map(int, (Source.TITLE, Source.DEFAULT)))
_FEW: Final = 2
"""Most words that the title of another part has beside those of the site said."""


@dataclass(frozen=True, slots=True)
class _Title:
    """What a title says of a site: its words, those on each side of *and*, and of which kind it is.

    ``bare`` is all of it but *other* and *unspecified*; ``rest`` is whether it says *other*,
    ``vague`` whether it says *unspecified*.
    """

    words: frozenset[int]
    halves: tuple[frozenset[int], ...]
    other: bool
    unspecified: bool
    bare: frozenset[str]
    rest: bool
    vague: bool


class SiteOrder:
    """Tells which of two siblings goes before the other by the site that the words say.

    Parameters
    ----------
    store
        The ICD-10-CM release.
    terms
        The term index over it.
    sites
        What widens words by the sites that they lie in.
    """

    def __init__(self, store: ReleaseStore, terms: TermIndex, sites: Sites) -> None:
        self._store = store
        self._terms = terms
        self._sites = sites
        self._titles: dict[int, _Title] = {}

    def goes_before(self, reading: Reading, one: Scored, two: Scored) -> bool:
        """Whether the site that the words say puts ``one`` before ``two``, whatever their confidences."""
        first, second = self._title(one.candidate.row), self._title(two.candidate.row)
        if first.vague and second.rest and first.bare == second.bare:
            return int(self._terms.term_source[reading.matches.term[two.best.match]]) in _TITLES
        if second.other and not (first.other or first.unspecified):
            return self._says(reading, one, two, first, second)
        if first.unspecified and not (second.other or second.unspecified):
            coverage = reading.matches.coverage
            whole = any(coverage[support.match] > COMPLETE for support in one.candidate.supports)
            return whole and self._says_none(reading, one, two, first, second)
        return False

    def _says(self, reading: Reading, one: Scored, two: Scored, first: _Title, second: _Title) -> bool:
        """Whether the words of both say a site of the first that the second, another part, lacks."""
        own = first.words - second.words
        if not own or len(second.words - first.words) > _FEW:
            return False
        matches = reading.matches
        ends = [matches.firsts[one.best.match], matches.firsts[two.best.match]]
        finals = [matches.finals[one.best.match], matches.finals[two.best.match]]
        if reading.sentence[min(ends)] != reading.sentence[max(finals)]:
            return False
        said = reading.words_between(reading.place_at(min(ends)), reading.place_at(max(finals) + 1))
        said = self._sites.widen(said)
        return any(half & own and half & own <= said for half in first.halves)

    def _says_none(self, reading: Reading, one: Scored, two: Scored, first: _Title, second: _Title) -> bool:
        """Whether the sentences of both hold no word of the site of the second."""
        own = second.words - first.words
        if not own:
            return False
        matches = reading.matches
        said = reading.context(matches.sentences[one.best.match])
        said = said | reading.context(matches.sentences[two.best.match])
        return own.isdisjoint(self._sites.widen(said)) and not self._names(reading, two, first)

    def _names(self, reading: Reading, item: Scored, vague: _Title) -> bool:
        """Whether a term of which all words are there says more than a vague title: a site in other words.

        *Laceration of the eyebrow* holds no word of the eyelid and periocular area.
        """
        matches, terms = reading.matches, self._terms
        for support in item.candidate.supports:
            if matches.coverage[support.match] > COMPLETE:
                term = matches.terms[support.match]
                named = terms.term_word[terms.term_ptr[term] : terms.term_ptr[term + 1]].tolist()
                if not frozenset(named) <= vague.words:
                    return True
        return False

    def _title(self, row: int) -> _Title:
        found = self._titles.get(row)
        if found is None:
            text = self._store.titles[row].lower()
            halves = tuple(self._ids(half) for half in _JOINED.split(text))
            said = frozenset(_WORD.findall(text))
            found = self._titles[row] = _Title(
                frozenset().union(*halves),
                halves,
                bool(_OTHER.search(text)),
                bool(_UNSPECIFIED.search(text)),
                said - _OPEN,
                "other" in said,
                "unspecified" in said,
            )
        return found

    def _ids(self, text: str) -> frozenset[int]:
        known, stop = self._terms.vocabulary, self._terms.stop_words
        said = (word for word in words(text) if word not in _NO_SITE and word not in stop)
        return self._sites.folded(frozenset(known[word] for word in said if word in known))


__all__ = ["SiteOrder"]
