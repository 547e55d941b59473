"""Where the row of a term leads to, worked out once for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suggester.codesets.terms import TermIndex
from suggester.ranking.resolve import CodeResolver, Resolved


@dataclass(slots=True)
class Way:
    """Where a row of a term leads to: what it needs to know, or the codes where it needs nothing.

    ``words`` are those of its title, and of those that differ from it by the side, where a side is needed;
    what is ``lasting`` is treated as long as it is there: effects of drugs and complications of care, for
    which a visit of follow-up is active treatment.
    """

    fixed: tuple[Resolved, ...] | None
    side: bool
    phase: bool
    pregnancy: bool
    lasting: bool
    words: tuple[int, ...]


class Ways(dict[int, Way]):
    """Ways by row, worked out when first gone.

    Parameters
    ----------
    resolver
        Goes down to billable codes.
    terms
        The term index.
    codes
        The codes by row.
    """

    def __init__(self, resolver: CodeResolver, terms: TermIndex, codes: Sequence[str]) -> None:
        super().__init__()
        self._resolver = resolver
        self._terms = terms
        self._codes = codes

    def __missing__(self, row: int) -> Way:
        needs, code = self._resolver.needs(row), self._codes[row]
        way = self[row] = Way(
            self._resolver.fixed(row),
            needs.side,
            needs.phase,
            code[0] == "O",
            "T36" <= code[:3] <= "T50" or "T80" <= code[:3] <= "T88",
            self._words(row) if needs.side else (),
        )
        return way

    def _words(self, row: int) -> tuple[int, ...]:
        """Words of the title of a row and, in a family by side, of those that differ from it by the side."""
        family, terms = int(self._terms.node_family[row]), self._terms
        rows = [row] if family < 0 else np.flatnonzero(terms.node_family == family).tolist()
        return tuple(dict.fromkeys(word for one in rows for word in terms.node_words(one)))


__all__ = ["Way", "Ways"]
