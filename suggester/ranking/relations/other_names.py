"""Words of a disease that are part of another name: *venous hypertension*, *group B strep*, *AAA ultrasound*.

Words are data (``codesets/lexicon/relations/other_names.tsv``): by prefix of the code, what stands right
before a match, right behind it, or is all of it, where the match names something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir, read_rows
from suggester.ranking.relations.found import by_prefix

COLUMNS: Final = ("codes", "before", "behind", "itself")
_ACUTE: Final = ("acute", "subacute")
"""Words that, with one between, name the disease itself too (*acute on chronic DVT*)."""


@dataclass(frozen=True, slots=True)
class _Names:
    before: frozenset[tuple[str, ...]]
    behind: frozenset[tuple[str, ...]]
    itself: frozenset[tuple[str, ...]]
    most: int


class OtherNames:
    """Tells matches whose words are part of another name.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or has other columns.

    Attributes
    ----------
    codes
        Prefixes of the codes that are looked at.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        path = (folder or lexicon_dir()) / "relations" / "other_names.tsv"
        self._names: dict[str, _Names] = {}
        for _, (codes, *sides) in read_rows(path, COLUMNS):
            before, behind, itself = (_phrases(side) for side in sides)
            names = _Names(before, behind, itself, max(map(len, (*before, *behind)), default=0))
            self._names.update(dict.fromkeys(codes.split("|"), names))
        self.codes: tuple[str, ...] = tuple(self._names)

    def holds(self, code: str, lower: Sequence[str], first: int, final: int) -> bool:
        """Whether the words of a match, its tokens both included, name something else than a code.

        >>> names = OtherNames()
        >>> names.holds("I10", ["venous", "hypertension"], 1, 1), names.holds("I10", ["hypertension"], 0, 0)
        (True, False)
        """
        names = by_prefix(self._names, code)
        if names is None:
            return False
        if tuple(lower[first : final + 1]) in names.itself:
            return True
        for size in range(1, names.most + 1):
            if tuple(lower[final + 1 : final + 1 + size]) in names.behind:
                return True
            begin = first - size
            if begin >= 0 and tuple(lower[begin:first]) in names.before:
                return begin < 2 or lower[begin - 2] not in _ACUTE
        return False


def _phrases(cell: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for phrase in _split(cell))


def _split(cell: str) -> Iterable[str]:
    return (phrase for phrase in cell.split("|") if phrase)


__all__ = ["COLUMNS", "OtherNames"]
