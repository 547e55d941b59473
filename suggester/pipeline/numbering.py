"""Numbers for folded tokens, so that what is known of a word is looked up for a whole note at once.

A token is looked up by its text once, when the note is cut. All further questions about it (may a cue begin
here, how does it vote …) take its number into an array, which costs a tenth of a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FIRST_SIZE: Final = 1 << 12
_NOT_MET: Final = -1

_WORD_BITS: Final = 30
_NO_WORD: Final = (1 << _WORD_BITS) - 1
"""More than the number of any word: it stands behind the last word of a note."""

_SAID_BITS: Final = 3
_SAID: Final = (1 << _SAID_BITS) - 1
_SPREAD: Final = 0x1E3779B97F4A7C15
_SPREAD_BY: Final = 40
_PLACES: Final = 1 << 18
"""A pair of words is remembered at one of so many places: some bits from the midst of a product, so that
pairs with one word in common lie apart."""


class Numbering:
    """Numbers of words, in the order in which they are first met: frequent ones lie side by side.

    Attributes
    ----------
    words
        The word of each number.
    """

    __slots__ = ("_lock", "_numbers", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lock = Lock()

    def number(self, word: str) -> int:
        """The number of a word; threads share a numbering."""
        with self._lock:
            number = self._numbers.setdefault(word, len(self.words))
            if number == len(self.words):
                self.words.append(word)
        return number


class ByWord:
    """What a function says of each word, worked out when the word is first met.

    Parameters
    ----------
    function
        From a word to a number that is not negative.
    dtype
        What the numbers are kept as.
    """

    __slots__ = ("_function", "_held")

    def __init__(self, function: Callable[[str], int], dtype: type[np.signedinteger] = np.int32) -> None:
        self._function = function
        self._held: tuple[Numbering, NDArray[np.signedinteger]] = Numbering(), np.zeros(0, dtype=dtype)

    def of(self, numbering: Numbering, numbers: NDArray[np.int32]) -> NDArray[np.signedinteger]:
        """What it says of the words of some numbers."""
        known, values = self._held
        if known is not numbering:
            known, values = numbering, values[:0]
        if len(values) < len(numbering.words):
            more = max(_FIRST_SIZE, 2 * len(numbering.words)) - len(values)
            values = np.append(values, np.full(more, _NOT_MET, dtype=values.dtype))
            self._held = known, values
        found = values.take(numbers)
        if len(found) and found.min() == _NOT_MET:
            for number in set(numbers[found == _NOT_MET].tolist()):
                values[number] = self._function(numbering.words[number])
            found = values.take(numbers)
        return found


class ByPair:
    """What a function says of two words side by side, worked out when they are met and not remembered.

    A pair has one place to be remembered at, and takes it from the one that was there.

    Parameters
    ----------
    function
        From a word and the one behind it, None at the end of a note, to a number from 0 to 7.
    """

    __slots__ = ("_function", "_held")

    def __init__(self, function: Callable[[str, str | None], int]) -> None:
        self._function = function
        self._held: tuple[Numbering, NDArray[np.int64]] = Numbering(), np.zeros(0, dtype=np.int64)

    def of(self, numbering: Numbering, numbers: NDArray[np.int32], at: NDArray[np.intp]) -> NDArray[np.int64]:
        """What it says of the words at some places of a note, each with the one behind it."""
        known, table = self._held
        if known is not numbering:
            known, table = self._held = numbering, np.full(_PLACES, _NOT_MET, dtype=np.int64)
        padded = np.append(numbers, np.int32(_NO_WORD))
        pairs = padded.take(at).astype(np.int64)
        pairs <<= _WORD_BITS
        pairs |= padded.take(at + 1)
        places = (pairs * _SPREAD >> _SPREAD_BY) & _PLACES - 1
        held = table.take(places)
        for index in (held >> _SAID_BITS != pairs).nonzero()[0].tolist():
            pair = int(pairs[index])
            after = pair & _NO_WORD
            said = self._function(
                numbering.words[pair >> _WORD_BITS], None if after == _NO_WORD else numbering.words[after]
            )
            table[places[index]] = held[index] = pair << _SAID_BITS | said
        held &= _SAID
        return held
