"""Metrics of ranked lists against gold sets: precision, recall, F1, MAP, cut-offs, candidate recall, sweep.

They know nothing of statuses or alternatives: every gold key counts and only the gold key itself is right.
All are fed ``Ranking`` values, so they score codes, categories and chapters alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suggester.evaluation.cases import Ranking
from suggester.evaluation.figures import (
    Figure,
    Floats,
    Ints,
    Pair,
    RatioMetric,
    Resampling,
    Terms,
    figures_of,
    ratio,
)

CUTOFFS: tuple[int, ...] = (5, 10, 20)
GRID: tuple[float, ...] = tuple(step / 100 for step in range(100))


class MicroScores(RatioMetric[Ranking]):
    """Micro precision, recall and F1 of the suggestions with at least this confidence, pooled over notes."""

    names = (
        ("micro_precision", "suggested codes"),
        ("micro_recall", "gold codes"),
        ("micro_f1", "gold + suggested codes"),
    )

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def row(self, item: Ranking, /) -> Sequence[Pair]:
        """Counts of one note."""
        suggested = _above(item, self.threshold)
        right = len(suggested & item.gold)
        gold = len(item.gold)
        return (right, len(suggested)), (right, gold), (2 * right, len(suggested) + gold)


class MeanAveragePrecision(RatioMetric[Ranking]):
    """Mean over notes with gold of average precision over the whole list.

    Average precision is the sum, over the ranks that hold a gold key, of precision down to that rank,
    divided by the number of gold keys: a gold key that is not in the list adds nothing. Notes without gold
    are left out. The order is the rank order given; confidence does not matter.
    """

    names = (("map", "notes with gold"),)

    def row(self, item: Ranking, /) -> Sequence[Pair]:
        """Average precision of one note."""
        if not item.gold:
            return ((0.0, 0.0),)
        right, total = 0, 0.0
        for rank, key in enumerate(item.keys, start=1):
            if key in item.gold:
                right += 1
                total += right / rank
        return ((total / len(item.gold), 1.0),)


class AtCutoffs(RatioMetric[Ranking]):
    """Mean over notes with gold of precision and recall among the first k.

    Precision at k divides by k even where fewer are suggested; recall at k by the note's gold keys.
    """

    def __init__(self, *, cutoffs: Sequence[int] = CUTOFFS) -> None:
        super().__init__()
        self.cutoffs = tuple(cutoffs)
        self.names = tuple(
            (f"{name}_at_{k}", "notes with gold") for k in self.cutoffs for name in ("precision", "recall")
        )

    def row(self, item: Ranking, /) -> Sequence[Pair]:
        """Precision and recall at each cut-off for one note."""
        pairs: list[Pair] = []
        for k in self.cutoffs:
            right = sum(key in item.gold for key in item.keys[:k])
            known = 1.0 if item.gold else 0.0
            pairs += [(right / k * known, known), (right / len(item.gold) if item.gold else 0.0, known)]
        return pairs


class CandidateRecall(RatioMetric[Ranking]):
    """Share of gold keys that stand anywhere in the list, pooled over notes."""

    names = (("candidate_recall", "gold codes"),)

    def row(self, item: Ranking, /) -> Sequence[Pair]:
        """Gold keys listed, and gold keys."""
        return ((len(item.gold.intersection(item.keys)), len(item.gold)),)


class MacroScores:
    """Macro precision, recall and F1: the mean over the keys that are gold at least once in these notes.

    A key that is never suggested has precision 0 and F1 0, as is usual for this measure; keys that are
    suggested but never gold do not enter (they lower the micro figures). The interval resamples the keys,
    over which the mean is taken: samples of the notes would lose the rare keys and sit beside the value.
    """

    names = ("macro_precision", "macro_recall", "macro_f1")
    unit = "different gold codes"

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._right: Counter[str] = Counter()
        self._suggested: Counter[str] = Counter()
        self._gold: Counter[str] = Counter()

    def update(self, item: Ranking) -> MacroScores:
        """Count one note."""
        suggested = _above(item, self.threshold)
        self._right.update(suggested & item.gold)
        self._suggested.update(suggested)
        self._gold.update(item.gold)
        return self

    def reset(self) -> None:
        """Forget every note."""
        for counter in (self._right, self._suggested, self._gold):
            counter.clear()

    def compute(self, resampling: Resampling | None = None) -> tuple[Figure, ...]:
        """The figures over all notes so far; of the resampling only its samples and seed are used."""
        keys = sorted(self._gold)
        right, suggested, gold = (
            np.array([counter[key] for key in keys], dtype=np.float64)
            for counter in (self._right, self._suggested, self._gold)
        )
        ones = np.ones(len(keys))
        scores = (right / np.maximum(suggested, 1.0), right / gold, 2 * right / (suggested + gold))
        terms = [Terms(name, self.unit, score, ones) for name, score in zip(self.names, scores, strict=True)]
        drawn = resampling and Resampling(len(keys), samples=resampling.samples, seed=resampling.seed)
        return figures_of(terms, drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Micro precision, recall and F1 of the suggestions with at least ``threshold``."""

    threshold: float
    suggested: int
    precision: float | None
    recall: float | None
    f1: float | None


class ThresholdSweep:
    """Micro precision and recall at many thresholds, and the threshold with the best micro-F1.

    Parameters
    ----------
    thresholds
        Those to try; None tries every confidence that occurs. Of equal F1 the highest threshold wins.
    """

    def __init__(self, *, thresholds: Sequence[float] | None = None) -> None:
        self.thresholds = None if thresholds is None else tuple(thresholds)
        self.reset()

    def update(self, item: Ranking) -> ThresholdSweep:
        """Count one note."""
        self._confidences += item.confidences
        self._right += [key in item.gold for key in item.keys]
        self._gold += len(item.gold)
        return self

    def reset(self) -> None:
        """Forget every note."""
        self._confidences: list[float] = []
        self._right: list[bool] = []
        self._gold = 0

    def compute(self) -> tuple[CurvePoint | None, tuple[CurvePoint, ...]]:
        """The best point (None where F1 is nowhere above 0) and the curve over the thresholds or the grid."""
        confidences = np.array(self._confidences, dtype=np.float64)
        order = np.argsort(-confidences, kind="stable")
        right = np.concatenate(([0], np.cumsum(np.array(self._right, dtype=np.int64)[order])))
        ascending = confidences[order][::-1]
        tried = np.unique(confidences if self.thresholds is None else self.thresholds)[::-1]
        best: CurvePoint | None = None
        if tried.size and self._gold:
            suggested = confidences.size - np.searchsorted(ascending, tried, side="left")
            # Thresholds run downwards and the first maximum is taken: the highest of equals.
            winner = int(np.argmax(2 * right[suggested] / (suggested + self._gold)))
            best = self._point(float(tried[winner]), ascending, right)
        drawn = sorted(GRID if self.thresholds is None else self.thresholds)
        curve = tuple(self._point(threshold, ascending, right) for threshold in drawn)
        return (best if best is not None and best.f1 else None), curve

    def _point(self, threshold: float, ascending: Floats, right: Ints) -> CurvePoint:
        suggested = int(ascending.size - np.searchsorted(ascending, threshold, side="left"))
        hits = int(right[suggested])
        return CurvePoint(
            threshold=threshold,
            suggested=suggested,
            precision=ratio(hits, suggested),
            recall=ratio(hits, self._gold),
            f1=ratio(2 * hits, suggested + self._gold),
        )


def _above(item: Ranking, threshold: float) -> frozenset[str]:
    return frozenset(
        key for key, confidence in zip(item.keys, item.confidences, strict=True) if confidence >= threshold
    )
