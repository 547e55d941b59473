"""How much of the body is burned: T31 by the percentage burned and that of third degree, T32 of corrosions.

In *TBSA 21%, third degree 9%* the first percentage chooses the fourth character, the second the fifth
(guidelines I.C.19.d.6). Words are data (``codesets/lexicon/relations/burn_words.tsv``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from suggester.codesets.lexicon import lexicon_dir
from suggester.pipeline.reading import FAMILY, HYPOTHETICAL, NEGATED, Reading
from suggester.ranking.relations.found import STOPS, Found, words_by_kind

KINDS: Final = ("burn", "extent", "total", "third", "degree", "number")
_VALUES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30)
_PERCENT: Final = frozenset(("%", "percent", "pct"))
_BURNS: Final = tuple(f"T{number}" for number in (*range(20, 26), 30))
_CORROSION: Final = frozenset("4567")
"""First digit behind the point of what a chemical did to the skin."""
_NEAR: Final = 5
"""Most tokens between a percentage and what it is of."""
_ENDS: Final = STOPS | frozenset((",", ";", "(", ")", "\n", "%", "percent"))
_NOT_SAID: Final = NEGATED | FAMILY | HYPOTHETICAL


@dataclass(frozen=True, slots=True)
class _Share:
    first: int
    final: int
    value: float
    kind: str


class BurnExtent:
    """Finds the code of the extent of burns.

    Parameters
    ----------
    folder
        The lexicon folder; the shipped one if not given.

    Raises
    ------
    LexiconError
        If the file is missing or a row is of no known kind.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        words = words_by_kind((folder or lexicon_dir()) / "relations" / "burn_words.tsv", KINDS)
        self._burn, self._extent, self._total, self._third, self._degree = (
            frozenset(words[kind]) for kind in KINDS[:5]
        )
        self._numbers = dict(zip(words["number"], _VALUES, strict=True))

    def find(self, reading: Reading, findings: Sequence[tuple[int, int, str]]) -> list[Found]:
        """The code of the extent, over the percentage that gives it; none where no burn is named.

        Parameters
        ----------
        reading
            The note, read.
        findings
            First and final token and code of each diagnosis that is not denied.
        """
        if self._burn.isdisjoint(reading.have) or _PERCENT.isdisjoint(reading.have):
            return []
        burns = {code for _, _, code in findings if code.startswith(_BURNS)}
        if not burns:
            return []
        shares = list(self._shares(reading))
        whole = next((share for share in shares if share.kind == "extent"), None)
        whole = whole or next((share for share in shares if share.kind == "total"), None)
        parts = [share for share in shares if share.kind in ("third", "degree")]
        if whole is None and not parts:
            return []
        value = whole.value if whole else sum(share.value for share in parts)
        at = whole or parts[0]
        deep = [share for share in shares if share.kind == "third"]
        beside = [
            share.value for share in deep if reading.sentence[share.first] == reading.sentence[at.first]
        ]
        third = beside[-1] if whole and beside else sum(share.value for share in deep)
        category = "T32" if all(code[4:5] in _CORROSION for code in burns) else "T31"
        return [Found(_code(category, value, third), at.first, at.final, 0)]

    def _shares(self, reading: Reading) -> Iterator[_Share]:
        """The percentages that say something of burns, in order."""
        lower, flags = reading.table.lower, reading.assertion.flags
        for at in reading.places(_PERCENT):
            value = self._number(lower[at - 1]) if at else None
            if value is None or not 0 < value <= 100 or flags[at] & _NOT_SAID:
                continue
            kind = self._kind(lower, at)
            if not kind and self._is_of_burns(reading, at):
                kind = "degree"
            if kind:
                yield _Share(at - 1, at, value, kind)

    def _is_of_burns(self, reading: Reading, at: int) -> bool:
        """Whether the sentence of a token names burns."""
        here = reading.sentence[at]
        begin, end = bisect_left(reading.sentence, here), bisect_right(reading.sentence, here)
        return not self._burn.isdisjoint(reading.table.lower[begin:end])

    def _number(self, word: str) -> float | None:
        if word in self._numbers:
            return float(self._numbers[word])
        try:
            return float(word)
        except ValueError:
            return None

    def _kind(self, lower: Sequence[str], at: int) -> str:
        """What a percentage is of: the words behind it say so first, then those before it."""
        behind: list[str] = []
        for word in lower[at + 1 : at + 1 + _NEAR]:
            if word in _ENDS:
                break
            behind.append(word)
        before: list[str] = []
        for word in reversed(lower[max(0, at - 1 - _NEAR) : at - 1]):
            if word in _ENDS:
                break
            before.append(word)
        for words in (behind, before):
            if not self._extent.isdisjoint(words):
                return "extent"
            if not self._third.isdisjoint(words) and not self._degree.isdisjoint(words):
                return "third"
        if not self._total.isdisjoint(before) or not self._total.isdisjoint(behind[:1]):
            return "total"
        return "degree" if not self._degree.isdisjoint((*behind, *before)) else ""


def _code(category: str, whole: float, third: float) -> str:
    """The code of what share of the body is burned and what share of it through all of the skin, in percent.

    >>> _code("T31", 21, 9), _code("T31", 4, 4), _code("T31", 28, 10), _code("T32", 95, 100)
    ('T31.20', 'T31.0', 'T31.21', 'T32.99')
    """
    tens = min(int(whole // 10), 9)
    return f"{category}.{tens}{min(int(third // 10), tens)}" if tens else f"{category}.0"


__all__ = ["KINDS", "BurnExtent"]
