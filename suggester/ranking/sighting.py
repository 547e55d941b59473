"""Where the candidates of a note stand, as what coded notes tell of usage is counted and looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.types import quick

FITTING = 0.7
"""Coverage from which a mention teaches what the words around it say."""

_NEAR = 4
_OWN = 8
_DISTANCES = np.arange(1, _NEAR + 1)[:, None]
SLOTS = np.array((0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 9, 9, 10, 11, *(12,) * _OWN))
"""Slot of each looked-up word: each of four before and any of the further three, the same after, the first
two of the sentence, those of the mention."""
SLOT_COUNT = int(SLOTS.max()) + 1


@quick
@dataclass(frozen=True, slots=True)
class Sighting:
    """The candidates of one note as usage sees them, one element a candidate.

    Attributes
    ----------
    codes, categories
        The codes as written, and their categories.
    phrases
        The phrase that names each best.
    affirmed, whole, fitting
        Whether a mention is affirmed; and all, or most, words of the best one are there.
    first, final
        First and last token of the best mention.
    begin, stop
        The sentence that holds it: first token, and the one after its last.
    kinds
        Section kind of the best mention.
    words
        The folded tokens of the note.
    """

    codes: Sequence[str]
    categories: Sequence[str]
    phrases: Sequence[str]
    affirmed: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    fitting: NDArray[np.bool_]
    first: NDArray[np.int64]
    final: NDArray[np.int64]
    begin: NDArray[np.int64]
    stop: NDArray[np.int64]
    kinds: Sequence[str]
    words: Sequence[str]

    def places(self) -> NDArray[np.int64]:
        """Places of the words that are looked up, shape ``(len(SLOTS), candidates)``.

        Places are tokens; behind them the left and the right edge of a sentence, and nothing.
        """
        size = len(self.words)
        left = self.first - _DISTANCES
        left = np.where(left >= self.begin, left, np.where(left == self.begin - 1, size, size + 2))
        right = self.final + _DISTANCES
        right = np.where(right < self.stop, right, np.where(right == self.stop, size + 1, size + 2))
        own = self.first + np.arange(_OWN)[:, None]
        own = np.where(own <= self.final, own, size + 2)
        second = np.where(self.begin + 1 < self.stop, self.begin + 1, size + 2)
        return np.concatenate([left, left[1:], right, right[1:], self.begin[None], second[None], own])


def category_of(code: str) -> str:
    """The category of a code: three characters of ICD-10-CM (which has a point), four of CPT and HCPCS."""
    return code[:4] if len(code) == 5 and "." not in code else code[:3]
