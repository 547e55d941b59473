"""A figure with its interval and size, the bootstrap over notes, and the base class of the metrics.

Every main figure is a ratio of two sums over notes (micro-F1 is ``2 tp / (suggested + gold)``, MAP is the sum
of average precisions over the number of notes that have one). So a metric needs to keep one numerator and one
denominator a note, and a bootstrap sample is a weighting of the notes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Pair = tuple[float, float]

_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value. ``value`` is None where it is undefined: nothing to divide by.

    ``low`` and ``high`` are the 95 % interval (None if not computed or undefined); ``size`` is the number of
    ``unit`` that the value rests on.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    size: int
    unit: str

    def to_record(self) -> dict[str, object]:
        """As JSON, rounded to six places so that a sum's last bit cannot show."""
        return {
            "value": rounded(self.value),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "size": self.size,
            "unit": self.unit,
        }

    def to_text(self) -> str:
        """``0.713 [0.66, 0.76] n 320``; ``n/a`` where undefined."""
        if self.value is None:
            return f"n/a n {self.size}"
        interval = "" if self.low is None or self.high is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.3f}{interval} n {self.size}"


def rounded(value: float | None) -> float | None:
    """Six places, None kept."""
    return None if value is None else round(value, 6)


def ratio(numerator: float, denominator: float) -> float | None:
    """The ratio, or None where there is nothing to divide by."""
    return numerator / denominator if denominator > 0 else None


class Terms(NamedTuple):
    """One figure's numerators and denominators, a number a note."""

    name: str
    unit: str
    numerator: Floats
    denominator: Floats


class Resampling:
    """Bootstrap samples of notes: how often each note is drawn in each sample.

    Parameters
    ----------
    notes
        How many notes there are.
    samples
        How many samples to draw; 0 leaves every interval out.
    seed
        Equal seeds draw equal samples.
    """

    def __init__(self, notes: int, *, samples: int = 1000, seed: int = 0) -> None:
        if samples < 0:
            raise ValueError(f"samples is {samples}; allowed: 0 (no intervals) or more")
        self.notes = notes
        self.samples = samples if notes else 0
        self.seed = seed
        generator = np.random.default_rng(seed)
        chance = np.full(notes, 1.0 / max(notes, 1))
        step = max(1, _CHUNK_CELLS // max(notes, 1))
        self._counts = [
            generator.multinomial(notes, chance, size=min(step, self.samples - start)).astype(np.uint16)
            for start in range(0, self.samples, step)
        ]

    def sums(self, columns: Floats) -> Floats:
        """Sums of each column (notes by columns) over each sample: samples by columns."""
        blocks = [counts.astype(np.float64) @ columns for counts in self._counts]
        return np.concatenate(blocks) if blocks else np.empty((0, columns.shape[1]))


def interval(values: Floats) -> tuple[float | None, float | None]:
    """The middle 95 % of the samples in which the figure is defined; None if there are none."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None, None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def figures_of(terms: Sequence[Terms], resampling: Resampling | None) -> tuple[Figure, ...]:
    """Ratios of sums, with intervals where a resampling is given."""
    if not terms:
        return ()
    numerators = np.stack([term.numerator for term in terms], axis=1)
    denominators = np.stack([term.denominator for term in terms], axis=1)
    ratios: Floats | None = None
    if resampling is not None and resampling.samples:
        top, bottom = resampling.sums(numerators), resampling.sums(denominators)
        ratios = np.full(top.shape, np.nan)
        np.divide(top, bottom, out=ratios, where=bottom > 0)
    found = []
    for column, term in enumerate(terms):
        size = float(term.denominator.sum())
        value = ratio(float(term.numerator.sum()), size)
        low, high = (None, None) if ratios is None or value is None else interval(ratios[:, column])
        found.append(
            Figure(name=term.name, value=value, low=low, high=high, size=round(size), unit=term.unit)
        )
    return tuple(found)


class RatioMetric[Item](ABC):
    """A metric fed a note at a time whose figures are ratios of sums over notes.

    Subclasses state ``names`` (name and unit of each figure) and ``row`` (numerator and denominator of each
    figure for one note).
    """

    names: tuple[tuple[str, str], ...]

    def __init__(self) -> None:
        self._rows: list[Sequence[Pair]] = []

    @abstractmethod
    def row(self, item: Item, /) -> Sequence[Pair]:
        """Numerator and denominator of each figure for one note."""

    def update(self, item: Item) -> Self:
        """Count one note."""
        self._rows.append(self.row(item))
        return self

    def reset(self) -> None:
        """Forget every note."""
        self._rows.clear()

    def terms(self) -> tuple[Terms, ...]:
        """Numerators and denominators of every figure, a number a note, in the order of the updates."""
        table = np.array(self._rows, dtype=np.float64).reshape(len(self._rows), len(self.names), 2)
        return tuple(
            Terms(name, unit, table[:, column, 0], table[:, column, 1])
            for column, (name, unit) in enumerate(self.names)
        )

    def compute(self, resampling: Resampling | None = None) -> tuple[Figure, ...]:
        """The figures over all notes so far, with intervals where a resampling is given."""
        return figures_of(self.terms(), resampling)
