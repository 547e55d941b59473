"""Titles: how much of what a code is called stands in the sentence, and in the note.

The finder says this of the codes that it names. Codes that coded notes bring up have no such measure, and
neither have two codes of a category between which the words of the note decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suggester.codesets.words import stem
from suggester.ranking.learning.associations import find
from suggester.ranking.learning.phrases import Kind, Phrases, family_key
from suggester.types import System

if TYPE_CHECKING:
    from suggester.ranking.bench import Bench

TITLE_NAMES: tuple[str, ...] = (
    "title_in_sentence",
    "title_in_words",
    "title_in_note",
    "title_found",
    "title_missing",
    "title_vague",
)
"""Share of the title's words, rare ones weighing more, in the sentence, in the words that speak for the code,
and in the note; the weight of those in the note and of those that are not; whether it says *unspecified* or
*other*."""

_WORD = re.compile(r"[a-z0-9]+")
_VAGUE = frozenset(("unspecified", "other", "nos", "elsewhere"))
_UNKNOWN = 4.0
"""Rarity of a word that the term index does not rank."""


class TitleWords:
    """The words of each code's title as keys of phrases, with their rarity; made when they are asked for.

    Parameters
    ----------
    bench
        The releases' bench.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        terms = bench.releases.terms
        self._stop = terms.stop_words
        self._vocabulary = terms.vocabulary
        self._idf = terms.idf
        self._memo: dict[tuple[System, int], tuple[NDArray[np.uint64], NDArray[np.float64], bool]] = {}

    def of(self, system: System, row: int) -> tuple[NDArray[np.uint64], NDArray[np.float64], bool]:
        """Keys and rarities of the words of a title, and whether it is vague; no words where it is empty."""
        found = self._memo.get((system, row))
        if found is None:
            words = _WORD.findall(self._bench.releases.store(system).display(row).lower())
            rarity: dict[int, float] = {}
            for word in words:
                if word not in self._stop and word not in _VAGUE:
                    base = stem(word)
                    number = self._vocabulary.get(base)
                    weight = _UNKNOWN if number is None else float(self._idf[number])
                    rarity.setdefault(family_key(base), max(weight, 1.0))
            found = self._memo[system, row] = (
                np.array(list(rarity), dtype=np.uint64),
                np.array(list(rarity.values()), dtype=np.float64),
                not _VAGUE.isdisjoint(words),
            )
        return found


def title_features(
    titles: Sequence[tuple[NDArray[np.uint64], NDArray[np.float64], bool]],
    which: NDArray[np.int64],
    sentence: NDArray[np.int64],
    words: NDArray[np.int32],
    phrases: Phrases,
) -> NDArray[np.float32]:
    """Features of pairs of one note, shape ``(pairs, len(TITLE_NAMES))``; NaN where the title is not known.

    Parameters
    ----------
    titles
        Titles of the codes of the note, as ``TitleWords.of`` gives them.
    which, sentence, words
        For each pair its title, its sentence (from 0 in the note), and first and last token of the words that
        speak for it.
    phrases
        The note's phrases.
    """
    out = np.full((len(which), len(TITLE_NAMES)), np.nan, dtype=np.float32)
    sizes = np.array([len(keys) for keys, _, _ in titles], dtype=np.int64)
    if not sizes.sum():
        return out
    single = np.flatnonzero((phrases.kind == Kind.WORD) | (phrases.kind == Kind.FAMILY))
    known, at = np.unique(phrases.key[single], return_inverse=True)
    places = phrases.sentence[single].astype(np.int64) * (len(known) + 1) + at
    order = np.argsort(places, kind="stable")
    places, first = places[order], phrases.first[single][order]
    keys = np.concatenate([keys for keys, _, _ in titles])
    column, in_note = find(known, keys)
    begin = np.cumsum(sizes) - sizes
    some = np.flatnonzero(sizes[which] > 0)
    length = sizes[which[some]]
    ends = np.cumsum(length)
    start = ends - length
    entry = np.repeat(begin[which[some]] - start, length) + np.arange(ends[-1])
    owner = np.repeat(some, length)
    weight = np.concatenate([rarity for _, rarity, _ in titles])[entry]
    wanted = sentence[owner] * (len(known) + 1) + np.where(in_note[entry], column[entry], len(known))
    place, here = find(places, wanted)
    inside = here.copy()
    said, spoken = first[place[here]], words[owner[here]]
    inside[here] = (said >= spoken[:, 0]) & (said <= spoken[:, 1])
    total = np.add.reduceat(weight, start)
    found = np.add.reduceat(weight * in_note[entry], start)
    out[some] = np.stack(
        [
            np.add.reduceat(weight * here, start) / total,
            np.add.reduceat(weight * inside, start) / total,
            found / total,
            found,
            total - found,
            np.array([vague for _, _, vague in titles])[which[some]],
        ],
        axis=1,
    )
    return out
