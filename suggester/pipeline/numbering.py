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
