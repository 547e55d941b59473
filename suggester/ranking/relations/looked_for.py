"""Diseases that are named, but were tested for or protected from: *HIV screen*, *RSV vaccine*.

Words are data (``codesets/lexicon/relations/looked_for.tsv``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir
from suggester.pipeline.reading import Reading
from suggester.ranking.relations.found import STOPS, holds, phrases_of, words_by_kind

KINDS: Final = ("codes", "test", "shot", "found", "long", "aids")
_BEFORE, _BEHIND = 5, 6
"""Tokens around a disease that may tell that it was but looked for."""
_COVID: Final = "U07.1"
_AIDS: Final = frozenset(("aids", "aid"))
_ARM: Final = "LUE"
"""The left upper extremity, which reads as syphilis (*lues*)."""


class LookedFor:
    """Tells diseases that were but tested for or protected from.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.

    Attributes
    ----------
    codes
        Prefixes of the codes that are looked at.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "looked_for.tsv"
        words = words_by_kind(path, KINDS)
        self.codes: tuple[str, ...] = tuple(words["codes"])
        self._looked_for = phrases_of([(word, 0) for word in (*words["test"], *words["shot"])])
        self._found = phrases_of([(word, 0) for word in words["found"]])
        self._long, self._aids = frozenset(words["long"]), frozenset(words["aids"])

    def is_only_looked_for(self, reading: Reading, first: int, final: int, code: str) -> bool:
        """Whether the words of a match, and those beside them, do not say that the disease is there."""
        lower = reading.table.lower
        before = lower[max(0, first - 2) : first]
        if lower[first] in _AIDS or lower[final] in _AIDS:
            return reading.table.text[final] != "AIDS" or not self._aids.isdisjoint(before)
        if reading.table.text[first] == _ARM:
            return True
        if code == _COVID and not self._long.isdisjoint((*before, *lower[first:final])):
            return True
        if lower[final + 1 : final + 3] == ["-", "like"]:
            return True
        begin, end = self._around(reading, first, final)
        around = lower[begin:end]
        return holds(self._looked_for, around) and not holds(self._found, around)

    @staticmethod
    def _around(reading: Reading, first: int, final: int) -> tuple[int, int]:
        """Begin and end of the tokens of the same statement around a match."""
        lower, sentence = reading.table.lower, reading.sentence
        begin, end = first, final + 1
        while begin > 0 and first - begin < _BEFORE and sentence[begin - 1] == sentence[first]:
            if _ends(lower, begin - 1):
                break
            begin -= 1
        while end < len(lower) and end - final <= _BEHIND and sentence[end] == sentence[final]:
            if _ends(lower, end):
                break
            end += 1
        return begin, end


def _ends(lower: Sequence[str], at: int) -> bool:
    """Whether a statement ends at a token."""
    return lower[at] in STOPS or lower[at] == "\n"


__all__ = ["KINDS", "LookedFor"]
