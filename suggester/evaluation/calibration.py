"""Whether confidence is a probability, and what follows for a threshold.

Counted over every suggestion (E/M apart), right where it is acceptable for a gold code of the note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from suggester.evaluation.cases import Case
from suggester.evaluation.figures import (
    Figure,
    Floats,
    Ints,
    Resampling,
    Terms,
    figures_of,
    interval,
    ratio,
)

BINS = 10
ABOVE: tuple[float, ...] = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
WANTED_PRECISION = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Suggestions of like confidence: their mean confidence and the share of them that is right."""

    low: float
    high: float
    size: int
    confidence: float | None
    right: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveThreshold:
    """What accepting every suggestion of at least ``threshold`` would bring.

    ``expected_wrong`` is the sum of ``1 - confidence``, ``wrong`` what was counted; ``found`` the share of
    gold codes, core and optional, with an acceptable code among them.
    """

    threshold: float
    suggested: int
    expected_wrong: float
    wrong: int
    precision: Figure
    found: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """The reliability tables and the figures.

    ``fixed`` has ten bins of equal width, the last with both ends; ``equal_mass`` has up to ten bins of about
    equal size, equal confidences never parted. ``figures`` are the expected calibration errors (the mean over
    suggestions of the gap between confidence and share right in their bin) with each kind of bins, and the
    Brier score. ``confident`` is the lowest threshold from which precision is at least 0.95, with what is
    found there; None where there is none.
    """

    fixed: tuple[ReliabilityBin, ...]
    equal_mass: tuple[ReliabilityBin, ...]
    figures: tuple[Figure, ...]
    above: tuple[AboveThreshold, ...]
    confident: AboveThreshold | None


class Calibration:
    """Collects confidences and verdicts a note at a time."""

    def __init__(self, *, thresholds: Sequence[float] = ABOVE) -> None:
        self.thresholds = tuple(thresholds)
        self.reset()

    def update(self, item: Case) -> Self:
        """Count one note."""
        self._notes += 1
        row = self._notes - 1
        self._confidences += [one.confidence for one in item.suggested]
        self._right += [one.right for one in item.suggested]
        self._rows += [row] * len(item.suggested)
        self._gold += [-1.0 if one.confidence is None else one.confidence for one in item.expected]
        self._gold_rows += [row] * len(item.expected)
        return self

    def reset(self) -> None:
        """Forget every note."""
        self._notes = 0
        self._confidences: list[float] = []
        self._right: list[bool] = []
        self._rows: list[int] = []
        self._gold: list[float] = []
        self._gold_rows: list[int] = []

    def compute(self, resampling: Resampling | None = None) -> CalibrationResult:
        """The result over all notes so far, with intervals where a resampling is given."""
        confidences = np.array(self._confidences, dtype=np.float64)
        right = np.array(self._right, dtype=np.float64)
        edges = np.linspace(0.0, 1.0, BINS + 1)
        fixed = np.minimum(np.searchsorted(edges, confidences, side="right") - 1, BINS - 1)
        mass = _equal_mass(confidences)
        rows = np.array(self._rows, dtype=np.int64)
        brier = Terms(
            "brier",
            "suggested codes",
            np.bincount(rows, (confidences - right) ** 2, self._notes),
            np.bincount(rows, minlength=self._notes).astype(np.float64),
        )
        fixed_bins = _bins(confidences, right, fixed)
        return CalibrationResult(
            # The bounds of a bin of equal width are its edges, whatever fell into it.
            fixed=tuple(
                ReliabilityBin(
                    low=float(edges[index]),
                    high=float(edges[index + 1]),
                    size=one.size,
                    confidence=one.confidence,
                    right=one.right,
                )
                for index, one in enumerate(fixed_bins)
            ),
            equal_mass=tuple(one for one in _bins(confidences, right, mass) if one.size),
            figures=(
                self._error("ece", confidences, right, fixed, rows, resampling),
                self._error("ece_equal_mass", confidences, right, mass, rows, resampling),
                *figures_of((brier,), resampling),
            ),
            above=tuple(
                self._above(threshold, confidences, right, resampling) for threshold in self.thresholds
            ),
            confident=self._confident(confidences, right, resampling),
        )

    def _error(
        self,
        name: str,
        confidences: Floats,
        right: Floats,
        bins: Ints,
        rows: Ints,
        resampling: Resampling | None,
    ) -> Figure:
        """Expected calibration error; the bins stay as they are in every bootstrap sample."""
        total = int(confidences.size)
        if not total:
            return Figure(name=name, value=None, size=0, unit="suggested codes")
        cells = rows * BINS + bins
        shape = (self._notes, BINS)
        gaps = np.bincount(cells, confidences - right, self._notes * BINS).reshape(shape)
        sizes = np.bincount(rows, minlength=self._notes).astype(np.float64)
        value = float(np.abs(gaps.sum(axis=0)).sum()) / total
        low = high = None
        if resampling is not None and resampling.samples:
            errors = np.abs(resampling.sums(gaps)).sum(axis=1)
            drawn = resampling.sums(sizes[:, None])[:, 0]
            shares = np.full(errors.shape, np.nan)
            np.divide(errors, drawn, out=shares, where=drawn > 0)
            lowest, highest = interval(shares)
            # Chance adds to a mean of absolute gaps, and again in each sample: the interval is mirrored at
            # the value (the basic bootstrap), which takes that bias off.
            low = None if highest is None else max(0.0, 2 * value - highest)
            high = None if lowest is None else max(0.0, 2 * value - lowest)
        return Figure(name=name, value=value, low=low, high=high, size=total, unit="suggested codes")

    def _above(
        self, threshold: float, confidences: Floats, right: Floats, resampling: Resampling | None
    ) -> AboveThreshold:
        chosen = confidences >= threshold
        rows = np.array(self._rows, dtype=np.int64)
        gold_rows = np.array(self._gold_rows, dtype=np.int64)
        found = (np.array(self._gold, dtype=np.float64) >= threshold) & (np.array(self._gold) >= 0.0)
        precision = Terms(
            "precision",
            "suggested codes",
            np.bincount(rows[chosen], right[chosen], self._notes),
            np.bincount(rows[chosen], minlength=self._notes).astype(np.float64),
        )
        recall = Terms(
            "found",
            "gold codes",
            np.bincount(gold_rows, found, self._notes),
            np.bincount(gold_rows, minlength=self._notes).astype(np.float64),
        )
        figures = figures_of((precision, recall), resampling)
        suggested = int(chosen.sum())
        return AboveThreshold(
            threshold=threshold,
            suggested=suggested,
            expected_wrong=float((1.0 - confidences[chosen]).sum()),
            wrong=suggested - round(float(right[chosen].sum())),
            precision=figures[0],
            found=figures[1],
        )

    def _confident(
        self, confidences: Floats, right: Floats, resampling: Resampling | None
    ) -> AboveThreshold | None:
        order = np.argsort(-confidences, kind="stable")
        ranked = confidences[order]
        hits = np.cumsum(right[order])
        last = np.append(ranked[1:] != ranked[:-1], True)[: ranked.size]
        precise = last & (hits >= WANTED_PRECISION * np.arange(1, ranked.size + 1) - 1e-9)
        if not precise.any():
            return None
        return self._above(float(ranked[np.flatnonzero(precise)[-1]]), confidences, right, resampling)


def _equal_mass(confidences: Floats) -> Ints:
    """Bin of each suggestion: cut at the tenths of the sorted confidences, equal ones kept together."""
    if not confidences.size:
        return np.empty(0, dtype=np.int64)
    ranked = np.sort(confidences)
    cuts = np.unique(ranked[[ranked.size * step // BINS for step in range(1, BINS)]])
    return np.searchsorted(cuts, confidences, side="right").astype(np.int64)


def _bins(confidences: Floats, right: Floats, bins: Ints) -> tuple[ReliabilityBin, ...]:
    found = []
    for index in range(BINS):
        chosen = bins == index
        size = int(chosen.sum())
        found.append(
            ReliabilityBin(
                low=float(confidences[chosen].min()) if size else 0.0,
                high=float(confidences[chosen].max()) if size else 0.0,
                size=size,
                confidence=ratio(float(confidences[chosen].sum()), size),
                right=ratio(float(right[chosen].sum()), size),
            )
        )
    return tuple(found)
