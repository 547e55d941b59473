"""Spelling correction against the words of the code sets: strict for notes, generous for search."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from suggester.codesets.lexicon import lexicon_dir, read_names, read_rows
from suggester.codesets.terms import TermIndex
from suggester.codesets.words import stem

MIN_LENGTH = 6
"""Shorter words of notes are left as they are: too many of them are one edit from another word."""

_LEFT_OUT = 3
"""A clipped word leaves out at least so many letters: fewer are an ending."""
_MOSTLY = 0.6
"""Share of the terms with any of the words that a clipped word may be, which the chosen one must have."""
_SHORTEST_SEARCHED = 4
_LONGEST_SEARCHED = 40
_TWO_EDITS_FROM = 8
"""Searched words of so many letters may hold two edits."""


def read_plain_words(folder: Path | None = None) -> frozenset[str]:
    """Stems of words that are right as they are, though one edit from another (``reader/plain_words.tsv``).

    Raises
    ------
    LexiconError
        If the file is missing or a row is wrong.
    """
    path = (folder or lexicon_dir()) / "reader" / "plain_words.tsv"
    return frozenset(stem(word) for _, (word,) in read_rows(path, ("word",)))


def _within(edits: int, word: str, words: Sequence[str] | Mapping[int, str]) -> list[tuple[str, int, int]]:
    """The words at most so many edits away: each with its distance, and its index or key."""
    from rapidfuzz import process  # many notes have no unknown word
    from rapidfuzz.distance import OSA

    return process.extract(word, words, scorer=OSA.distance, score_cutoff=edits, limit=None)


class Speller:
    """Finds the word of the index that an unknown word was meant to be.

    An edit is an insertion, deletion, substitution or transposition (optimal string alignment distance).

    Parameters
    ----------
    terms
        The term index.
    """

    def __init__(self, terms: TermIndex) -> None:
        self._terms = terms
        self._frequency = terms.frequency
        names = read_names("first_names") | read_names("last_names")
        self._plain = read_plain_words() | set(map(stem, names))

    @cached_property
    def _known(self) -> dict[int, str]:
        """Words that terms hold, letters only, by id."""
        counts = self._frequency.tolist()
        return {i: w for w, i in self._terms.vocabulary.items() if counts[i] and len(w) > 2 and w.isalpha()}

    @cached_property
    def _by_shape(self) -> dict[tuple[str, int], tuple[list[str], list[int]]]:
        """The words, and their ids, by first letter and length."""
        out: dict[tuple[str, int], tuple[list[str], list[int]]] = {}
        for index, word in self._known.items():
            if len(word) >= MIN_LENGTH - 1:
                known, ids = out.setdefault((word[0], len(word)), ([], []))
                known.append(word)
                ids.append(index)
        return out

    def correct(self, word: str) -> int | None:
        """Id of the word that a word of a note was meant to be, None if there is none.

        It is one edit away and has the same first letter; the word that most terms hold wins, then
        alphabetical order. Failing that the word was clipped (*hypercholest*, *prediab*). Plain words and
        names of people are meant as they are (*Cooper* is not copper, *Marian* not Marfan).
        """
        if len(word) < MIN_LENGTH or not word.isalpha() or word in self._plain:
            return None
        best: tuple[int, str, int] | None = None
        for length in (len(word) - 1, len(word), len(word) + 1):
            shaped = self._by_shape.get((word[0], length))
            if shaped is None:
                continue
            words, ids = shaped
            for known, _, at in _within(1, word, words):
                found = (-int(self._frequency[ids[at]]), known, ids[at])
                if best is None or found < best:
                    best = found
        return best[2] if best else self._clipped(word)

    @cached_property
    def _in_order(self) -> tuple[list[str], list[int]]:
        """The words in alphabetical order, and their ids."""
        pairs = sorted((word, index) for index, word in self._known.items())
        return [word for word, _ in pairs], [index for _, index in pairs]

    def _clipped(self, word: str) -> int | None:
        """Id of the word that begins with a word of a note, if one is far more usual than the others."""
        words, ids = self._in_order
        begin, end = bisect_left(words, word), bisect_left(words, word + "\x7f")
        longer = [at for at in range(begin, end) if len(words[at]) >= len(word) + _LEFT_OUT]
        if not longer:
            return None
        counts = {at: int(self._frequency[ids[at]]) for at in longer}
        best = max(longer, key=lambda at: (counts[at], -at))
        first, final = words[longer[0]], words[longer[-1]]
        forms_of_one = first[: len(word) + 2] == final[: len(word) + 2]  # prediabetes, prediabetic
        if not forms_of_one and counts[best] < _MOSTLY * sum(counts.values()):
            return None
        return ids[best]

    def near(self, word: str, *, limit: int) -> list[tuple[int, int]]:
        """Ids of the words that a searcher may have meant, with the number of edits, best first.

        One edit away, two for a long word; short words and wrong first letters count too, for a person
        chooses among what is found. Fewest edits first, then same first letter, then held by most terms.
        """
        if not _SHORTEST_SEARCHED <= len(word) <= _LONGEST_SEARCHED or not word.isalpha():
            return []
        most = 1 if len(word) < _TWO_EDITS_FROM else 2
        found = _within(most, word, self._known)
        ranked = sorted(
            (int(edits), known[0] != word[0], -int(self._frequency[index]), known, index)
            for known, edits, index in found
        )
        return [(index, edits) for edits, *_, index in ranked[:limit]]
