"""Codes above those that the finder names: some sites code a condition by its category.

The finder names billable codes alone. Coded notes may hold codes that have others below them: those of an
earlier release that has since been divided, those without a seventh character, or categories. Where a site
has such codes, what supports a code in a sentence supports those above it too, and learning weighs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from suggester.ranking.learning.views import CodeTable

MOST_LEVELS = 2
"""Levels that are climbed where a site codes by codes with others below them."""

LEAST_SHARE = 0.01
"""They are weighed where more than this share of a site's codes are such codes."""

ABOVE_NAMES: tuple[str, ...] = ("climbed", "below")
"""Levels between the code and the one that is named, 0 for that itself; named codes below it in the
sentence."""


@dataclass(frozen=True, slots=True)
class Climbed:
    """Supports with those of codes above, ordered by key.

    Attributes
    ----------
    key
        ``sentence * len(CodeTable) + code`` of each.
    source
        Position of the support that it rests on.
    values
        Columns ``ABOVE_NAMES``.
    """

    key: NDArray[np.int64]
    source: NDArray[np.int64]
    values: NDArray[np.float32]


def climb(key: NDArray[np.int64], score: NDArray[np.float32], table: CodeTable, levels: int) -> Climbed:
    """Add the codes above; each rests on the best support below it, of equals on the nearest.

    Parameters
    ----------
    key
        ``sentence * len(table) + code`` of each support, ascending.
    score
        How good each support is.
    levels
        Levels to climb; none leaves the supports as they are.
    """
    size = len(table)
    source = np.arange(len(key))
    keys, sources, climbed = [key], [source], [np.zeros(len(key), dtype=np.int64)]
    sentence, code = key // size, key % size
    for level in range(1, levels + 1):
        up = table.above[code]
        source, sentence, code = source[up >= 0], sentence[up >= 0], up[up >= 0]
        keys.append(sentence * size + code)
        sources.append(source)
        climbed.append(np.full(len(code), level))
    every, rests, steps = np.concatenate(keys), np.concatenate(sources), np.concatenate(climbed)
    order = np.lexsort((rests, steps, -score[rests], steps > 0, every))
    every, rests, steps = every[order], rests[order], steps[order]
    start = np.flatnonzero(np.append(True, every[1:] != every[:-1])) if len(every) else np.zeros(0, np.int64)
    below = np.add.reduceat(steps > 0, start, dtype=np.int64) if len(start) else start
    values = np.column_stack([steps[start], below]).astype(np.float32)
    return Climbed(every[start], rests[start], values)
