"""Sample size and agreement of two coders: pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["Coded", "kappa", "needed", "wilson"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """One note coded twice: the codes of both and those that either might have chosen."""

    first: frozenset[str]
    second: frozenset[str]
    possible: frozenset[str]


def needed(population: int, *, confidence: float, margin: float, expected_rate: float) -> int:
    """How many of a population to look at so that a share is known to ± margin.

    Cochran's formula with the finite population correction, never more than there are.

    >>> needed(10_000, confidence=0.95, margin=0.05, expected_rate=0.5)
    370
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    infinite = z * z * expected_rate * (1 - expected_rate) / (margin * margin)
    return min(population, math.ceil(infinite / (1 + (infinite - 1) / population))) if population else 0


def wilson(hits: int, of: int, *, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson's interval of a share, None without cases.

    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    if of == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def kappa(notes: Sequence[Coded]) -> float | None:
    """Cohen's kappa over every code of every note that either might have chosen, a yes or no of both.

    None without codes, or where both always say the same one thing, so that chance explains everything.
    """
    both = first = second = neither = 0
    for note in notes:
        for code in note.first | note.second | note.possible:
            one, two = code in note.first, code in note.second
            both += one and two
            first += one and not two
            second += two and not one
            neither += not one and not two
    total = both + first + second + neither
    if total == 0:
        return None
    observed = (both + neither) / total
    yes = (both + first) / total * ((both + second) / total)
    no = (neither + second) / total * ((neither + first) / total)
    chance = yes + no
    return None if chance >= 1 else (observed - chance) / (1 - chance)
