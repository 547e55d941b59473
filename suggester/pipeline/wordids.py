"""From the tokens of a note to ids of the term index: stems, word forms, synonyms, abbreviations,
corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.spelling import Speller
from suggester.codesets.terms import SIDES, Sense, TermIndex
from suggester.codesets.words import stem

_MEMO_LIMIT = 200_000
_NEAR_WINDOW = 5


@dataclass(frozen=True, slots=True)
class WordIds:
    """Every id that stands at some place of the note, sorted by id, then place.

    ``place`` counts content words (stop words left out), so that *pain in the knee* has no gap. An id
    added by
    an expansion stands at the place of the words it was expanded from; ``last`` is where those words end.

    Attributes
    ----------
    ids, place, last, sentence
        int32 arrays of one length.
    place_token
        Token index of each place.
    own
        Whether the id is the word's own (or of an abbreviation it stands for), not a synonym's.
    by_sentence
        For each sentence the set of own ids in it.
    sides
        Places of words of laterality: ``(place, side)`` in order.
    corrected
        Ids that came from a spelling correction.
    """

    ids: NDArray[np.int32]
    place: NDArray[np.int32]
    last: NDArray[np.int32]
    sentence: NDArray[np.int32]
    own: NDArray[np.bool_]
    place_token: tuple[int, ...]
    by_sentence: tuple[frozenset[int], ...]
    sides: tuple[tuple[int, int], ...]
    corrected: frozenset[int]


class WordReader:
    """Looks up words, with a memo that lives as long as the reader.

    Parameters
    ----------
    terms
        The term index.
    """

    def __init__(self, terms: TermIndex) -> None:
        self._terms = terms
        self._speller = Speller(terms)
        self._memo: dict[str, tuple[int, tuple[int, ...], bool]] = {}
        self._single: dict[int, tuple[int, ...]] = {}
        self._several: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for first, rows in terms.patterns.items():
            for pattern, added in rows:
                if len(pattern) == 1:
                    self._single[first] = self._single.get(first, ()) + added
                else:
                    self._several.setdefault(first, []).append((pattern, added))
        self._stop = terms.stop_words
        self._capital = {
            sense.exact: key[0]
            for rows in terms.senses.values()
            for key, sense in rows
            if sense.exact is not None and len(key) == 1 and sense.exact.isupper()
        }

    def _look_up(self, word: str) -> tuple[int, tuple[int, ...], bool]:
        """Own id (-1 unknown, -2 stop word), ids added for the word alone, whether corrected."""
        base = stem(word)
        if base in self._stop and base not in SIDES:
            return (-2, (), False)
        own = self._terms.vocabulary.get(base)
        corrected = False
        if own is None:
            own = self._speller.correct(base)
            corrected = own is not None
        if own is None:
            return (-1, (), False)
        return (own, self._single.get(own, ()), corrected)

    def read(
        self,
        lower: Sequence[str],
        text: Sequence[str],
        is_word: Sequence[bool],
        sentence_of: Sequence[int],
        section_of: Sequence[str],
    ) -> WordIds:
        """Ids of one note.

        Parameters
        ----------
        lower, text, is_word
            Folded text, text as written, and whether it is a word, of each token.
        sentence_of, section_of
            Sentence index and section kind of each token.
        """
        memo = self._memo
        if len(memo) > _MEMO_LIMIT:
            memo.clear()
        primary: list[int] = []
        places: list[int] = []
        ids: list[int] = []
        place: list[int] = []
        single: list[tuple[int, tuple[int, ...]]] = []
        sides: list[tuple[int, int]] = []
        corrected: set[int] = set()
        at = 0
        for token in [token for token, word in enumerate(is_word) if word]:
            word = lower[token]
            found = memo.get(word)
            if found is None:
                found = memo[word] = self._look_up(word)
            own, added, fixed = found
            if own == -2:
                capital = self._capital.get(text[token])  # "AS" is an abbreviation where "as" is nothing
                if capital is None:
                    continue
                own = capital
            places.append(token)
            primary.append(own)
            if word in SIDES:
                sides.append((at, SIDES[word]))
            if own >= 0:
                ids.append(own)
                place.append(at)
                if fixed:
                    corrected.add(own)
                if added:
                    single.append((at, added))
            at += 1
        last = place.copy()
        own_mark = [True] * len(ids)
        covered = self._add_patterns(primary, ids, place, last, places, sentence_of)
        for at, added in single:
            if at not in covered:  # "former smoker" must not also read as "smoker"
                for extra in added:
                    ids.append(extra)
                    place.append(at)
                    last.append(at)
        own_mark.extend([False] * (len(ids) - len(own_mark)))
        self._add_senses(primary, ids, place, last, own_mark, places, section_of, text)
        return _sorted(ids, place, last, own_mark, places, sentence_of, tuple(sides), frozenset(corrected))

    def _add_patterns(
        self,
        primary: list[int],
        ids: list[int],
        place: list[int],
        last: list[int],
        places: list[int],
        sentence_of: Sequence[int],
    ) -> set[int]:
        """Add the expansions of patterns of several words, longest first; returns the places they cover."""
        several = self._several
        covered: set[int] = set()
        for at in [at for at, first in enumerate(primary) if first in several]:
            rows = several[primary[at]]
            for pattern, added in rows:
                end = at + len(pattern)
                if (
                    tuple(primary[at:end]) != pattern
                    or sentence_of[places[at]] != sentence_of[places[end - 1]]
                ):
                    continue
                for extra in added:
                    ids.append(extra)
                    place.append(at)
                    last.append(end - 1)
                covered.update(range(at, end))
                break
        return covered

    def _add_senses(
        self,
        primary: list[int],
        ids: list[int],
        place: list[int],
        last: list[int],
        own: list[bool],
        places: list[int],
        section_of: Sequence[str],
        text: Sequence[str],
    ) -> None:
        senses = self._terms.senses
        for at in [at for at, first in enumerate(primary) if first in senses]:
            rows = senses[primary[at]]
            token = places[at]
            around: set[int] | None = None
            best: tuple[int, int, Sense | None] = (0, 0, None)
            for key, sense in rows:
                end = at + len(key)
                if len(key) > 1 and tuple(primary[at:end]) != key:
                    continue
                if sense.exact is not None and text[token] != sense.exact and len(key) == 1:
                    continue
                if around is None:
                    around = set(primary[max(0, at - _NEAR_WINDOW) : at] + primary[end : end + _NEAR_WINDOW])
                if sense.not_near and not sense.not_near.isdisjoint(around):
                    continue
                strength = _strength(sense, section_of[token], around)
                if strength > best[0]:
                    best = (strength, end, sense)
            if best[2] is not None:
                for extras, mark in ((best[2].expansion, True), (best[2].added, False)):
                    for extra in extras:
                        ids.append(extra)
                        place.append(at)
                        last.append(min(best[1], len(places)) - 1)
                        own.append(mark)


def _strength(sense: Sense, section: str, around: set[int]) -> int:
    """How well a sense fits: 3 by a neighbour, 2 by the section, 1 without conditions, 0 not at all."""
    if not sense.near.isdisjoint(around):
        return 3
    if section in sense.sections:
        return 2
    return 0 if sense.near or sense.sections else 1


def _sorted(
    ids: list[int],
    place: list[int],
    last: list[int],
    own: list[bool],
    places: list[int],
    sentence_of: Sequence[int],
    sides: tuple[tuple[int, int], ...],
    corrected: frozenset[int],
) -> WordIds:
    place_sentence = [sentence_of[token] for token in places]
    id_array = np.array(ids, dtype=np.int32)
    place_array = np.array(place, dtype=np.int32)
    order = np.lexsort((place_array, id_array))
    sentences: list[set[int]] = [set() for _ in range(max(place_sentence, default=-1) + 1)]
    for word, at, mark in zip(ids, place, own, strict=True):
        if mark:
            sentences[place_sentence[at]].add(word)
    place_array = place_array[order]
    by_place = np.array(place_sentence, dtype=np.int32)
    return WordIds(
        ids=id_array[order],
        place=place_array,
        last=np.array(last, dtype=np.int32)[order],
        sentence=by_place[place_array] if len(by_place) else place_array,
        own=np.array(own, dtype=np.bool_)[order],
        place_token=tuple(places),
        by_sentence=tuple(frozenset(s) for s in sentences),
        sides=sides,
        corrected=corrected,
    )
