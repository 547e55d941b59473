"""Sides told apart by degree: *POAG OD severe, OS mild*; *severe right, moderate left*.

One mention then stands for a code of each side, each with its own degree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from suggester.pipeline.reading import Reading

_DEGREES: Final = (
    *("mild", "moderate", "severe", "indeterminate", "early", "intermediate", "advanced", "mod", "stage"),
    *("subfoveal", "active", "inactive", "involutional", "stable", "proliferative", "worse"),
)
_FARTHEST: Final = 8
"""Most words between the mention and a side, or between two sides."""

Part = tuple[int, frozenset[int]]
"""A side, and the words that speak of it."""


class EachSide:
    """Finds what a sentence says of each side behind a mention.

    Parameters
    ----------
    vocabulary
        Ids of words.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._degrees = frozenset(vocabulary[word] for word in _DEGREES if word in vocabulary)

    def parts(self, reading: Reading, final: int, sentence: int) -> tuple[Part, ...]:
        """Right and left with the words of each; empty unless the sentence gives each a degree of its own.

        The degree stands behind its side where a side comes first, else before it.

        Parameters
        ----------
        reading
            The reading.
        final
            Last token of the mention.
        sentence
            Its sentence.
        """
        marks = reading.sides_in(sentence)
        if len(marks) < 2:
            return ()
        here = reading.place_at(final + 1)
        behind = [mark for mark in marks if mark[0] >= here][:2]
        if len(behind) < 2 or {side for _, side in behind} != {1, 2}:
            return ()
        (first, one), (second, other) = behind
        if first - here > _FARTHEST or second - first > _FARTHEST:
            return ()
        if self._degrees.isdisjoint(reading.words_between(here, first)):
            words = reading.words_between(first, second), reading.words_between(second, second + 3)
        else:
            words = reading.words_between(here, first), reading.words_between(first + 1, second)
        if any(self._degrees.isdisjoint(said) for said in words):
            return ()
        return (one, words[0]), (other, words[1])
