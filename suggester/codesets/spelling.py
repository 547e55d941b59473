"""One-edit spelling correction against the words of the code sets."""

from __future__ import annotations

from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from suggester.codesets.terms import TermIndex

MIN_LENGTH = 6
"""Shorter words are left as they are: too many of them are one edit from another word."""

SHORTEST_SEARCHED = 4
LONG = 8


class Speller:
    """Finds the word of the index that an unknown word was meant to be.

    A correction is one insertion, deletion, substitution or transposition away (optimal string alignment
    distance 1) and keeps the first letter; the word that most terms hold wins, then alphabetical order.
    """

    def __init__(self, terms: TermIndex) -> None:
        self._frequency = terms.frequency
        self._buckets: dict[tuple[str, int], list[tuple[str, int]]] = {}
        self._terms = terms
        self._ready = False

    def _fill(self) -> None:
        counts = self._frequency.tolist()
        for word, index in self._terms.vocabulary.items():
            if len(word) >= MIN_LENGTH - 1 and counts[index] and word.isalpha():
                self._buckets.setdefault((word[0], len(word)), []).append((word, index))
        self._ready = True

    def correct(self, word: str) -> int | None:
        """Id of the intended word, None if there is none."""
        if len(word) < MIN_LENGTH or not word.isalpha():
            return None
        if not self._ready:
            self._fill()
        best: tuple[int, str, int] | None = None
        for length in (len(word) - 1, len(word), len(word) + 1):
            for known, index in self._buckets.get((word[0], length), ()):
                if OSA.distance(word, known, score_cutoff=1) <= 1:
                    found = (-int(self._frequency[index]), known, index)
                    if best is None or found < best:
                        best = found
        return best[2] if best else None

    @cached_property
    def _all(self) -> dict[int, str]:
        """Words that search may correct to: those of terms, letters only."""
        counts = self._frequency.tolist()
        return {i: w for w, i in self._terms.vocabulary.items() if counts[i] and len(w) > 2 and w.isalpha()}

    def near(self, word: str, *, limit: int) -> list[tuple[int, int]]:
        """Words that a searcher may have meant, with the number of edits: one, or two in words of 8 letters.

        Unlike ``correct`` it looks at short words too and at first letters that are wrong; a person chooses
        among what is found. Fewest edits first, then same first letter, then most frequent.
        """
        if len(word) < SHORTEST_SEARCHED or not word.isalpha():
            return []
        most = 1 if len(word) < LONG else 2
        found = process.extract(word, self._all, scorer=OSA.distance, score_cutoff=most, limit=None)
        ranked = sorted(
            (int(edits), known[0] != word[0], -int(self._frequency[index]), known, index)
            for known, edits, index in found
        )
        return [(index, edits) for edits, *_, index in ranked[:limit]]
