"""Figures on ranked codes of notes, and the paired comparison of two models that the gate rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLES = 1000
"""Bootstrap samples."""

_PRECISE = 0.95
_LEAST = 20


@dataclass(frozen=True, slots=True)
class Ranked:
    """Codes of one note with their probabilities, which of them are right, and how many gold codes it has."""

    probability: NDArray[np.float64]
    right: NDArray[np.bool_]
    gold: int

    def average_precision(self) -> float:
        """Average precision over the whole list; 0 without gold."""
        if not self.gold:
            return 0.0
        right = self.right[np.argsort(-self.probability, kind="stable")]
        ranks = np.flatnonzero(right) + 1
        return float(np.sum(np.arange(1, len(ranks) + 1) / ranks) / self.gold)

    def counts(self, threshold: float) -> tuple[int, int, int]:
        """Right ones, suggested ones and gold at a threshold."""
        chosen = self.probability >= threshold
        return int((chosen & self.right).sum()), int(chosen.sum()), self.gold


def mean_average_precision(notes: list[Ranked]) -> float:
    """Mean over the notes that have gold."""
    values = [note.average_precision() for note in notes if note.gold]
    return float(np.mean(values)) if values else 0.0


def best_threshold(notes: list[Ranked]) -> tuple[float, float, float, float]:
    """Threshold of the best micro-F1, that F1, and precision and recall there."""
    probability = np.concatenate([n.probability for n in notes] or [np.zeros(0)])
    right = np.concatenate([n.right for n in notes] or [np.zeros(0, dtype=np.bool_)])
    gold = sum(n.gold for n in notes)
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(right[order])
    if not len(hits) or not gold:
        return 0.5, 0.0, 0.0, 0.0
    suggested = np.arange(1, len(hits) + 1)
    f1 = 2 * hits / (suggested + gold)
    at = int(np.argmax(f1))
    return (
        float(probability[order][at]),
        float(f1[at]),
        float(hits[at] / suggested[at]),
        float(hits[at] / gold),
    )


def calibrated_threshold(notes: list[Ranked]) -> float:
    """The threshold of the best micro-F1 where probabilities are calibrated: half of that F1.

    Lipton, Elkan, Naryanaswamy: Optimal thresholding of classifiers to maximize F1 measure, 2014. It hangs on
    fewer codes than the threshold that happens to be the best on some notes.
    """
    _, f1, _, _ = best_threshold(notes)
    return f1 / 2 if f1 else 0.5


def recall_when_precise(notes: list[Ranked]) -> float:
    """Recall at the lowest confidence from which precision is at least 0.95."""
    probability = np.concatenate([n.probability for n in notes] or [np.zeros(0)])
    right = np.concatenate([n.right for n in notes] or [np.zeros(0, dtype=np.bool_)])
    gold = sum(n.gold for n in notes)
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(right[order])
    suggested = np.arange(1, len(hits) + 1)
    good = np.flatnonzero((hits >= _PRECISE * suggested) & (suggested >= _LEAST))
    return float(hits[good[-1]] / gold) if len(good) and gold else 0.0


def calibration_error(notes: list[Ranked], *, bins: int = 10, floor: float = 0.05) -> float:
    """Expected calibration error over equal-width bins, of the codes at or above ``floor``."""
    probability = np.concatenate([n.probability for n in notes] or [np.zeros(0)])
    right = np.concatenate([n.right for n in notes] or [np.zeros(0, dtype=np.bool_)])
    shown = probability >= floor
    probability, right = probability[shown], right[shown]
    if not len(probability):
        return 0.0
    number = np.minimum((probability * bins).astype(np.int64), bins - 1)
    size = np.bincount(number, minlength=bins)
    gap = np.abs(
        np.bincount(number, probability, minlength=bins) - np.bincount(number, right, minlength=bins)
    )
    return float(gap.sum() / size.sum())


def summary(notes: list[Ranked], *, seed: int = 0) -> dict[str, object]:
    """MAP and F1 at the threshold with 95 % intervals, threshold, calibration, recall at precision 0.95."""
    threshold = calibrated_threshold(notes)
    precisions = np.array([n.average_precision() for n in notes])
    with_gold = np.array([n.gold > 0 for n in notes], dtype=np.float64)
    table = np.array([n.counts(threshold) for n in notes], dtype=np.float64).reshape(-1, 3)
    right, suggested, gold = table.sum(axis=0).tolist()
    weights = _draws(len(notes), seed)
    map_drawn = (weights @ (precisions * with_gold)) / np.maximum(weights @ with_gold, 1)
    drawn = weights @ table
    f1_drawn = 2 * drawn[:, 0] / np.maximum(drawn[:, 1] + drawn[:, 2], 1)
    return {
        "notes": len(notes),
        "codes": sum(n.gold for n in notes),
        "map": round(mean_average_precision(notes), 4),
        "map_interval": _interval(map_drawn),
        "micro_f1": round(2 * right / max(suggested + gold, 1.0), 4),
        "micro_f1_interval": _interval(f1_drawn),
        "precision": round(right / max(suggested, 1.0), 4),
        "recall": round(right / max(gold, 1.0), 4),
        "threshold": round(threshold, 4),
        "calibration_error": round(calibration_error(notes), 4),
        "recall_at_precision_0.95": round(recall_when_precise(notes), 4),
        "candidate_recall": round(
            sum(int(n.right.sum()) for n in notes) / max(1, sum(n.gold for n in notes)), 4
        ),
    }


@dataclass(frozen=True, slots=True)
class GateResult:
    """New model against the one in use on held-back notes.

    ``kept`` unless either figure is lower with its whole 95 % interval below 0, or both are lower.
    """

    notes: int
    map_in_use: float
    map_new: float
    map_difference: tuple[float, float]
    f1_in_use: float
    f1_new: float
    f1_difference: tuple[float, float]
    kept: bool

    def to_record(self) -> dict[str, object]:
        """As JSON."""
        return {
            "notes": self.notes,
            "kept": self.kept,
            "map": {
                "in_use": self.map_in_use,
                "new": self.map_new,
                "difference_95": list(self.map_difference),
            },
            "micro_f1": {
                "in_use": self.f1_in_use,
                "new": self.f1_new,
                "difference_95": list(self.f1_difference),
            },
        }


def gate(
    in_use: list[Ranked], new: list[Ranked], *, thresholds: tuple[float, float], seed: int = 0
) -> GateResult:
    """Compare on the same notes, each model at its own threshold, by paired bootstrap.

    Parameters
    ----------
    in_use, new
        The same notes in the same order.
    thresholds
        Of the model in use and of the new one.
    """
    with_gold = np.array([n.gold > 0 for n in new], dtype=np.float64)
    weights = _draws(len(new), seed)
    observed = np.ones((1, len(new)))

    def both(
        draw: NDArray[np.float64], notes: list[Ranked], threshold: float
    ) -> tuple[NDArray[np.float64], ...]:
        precision = np.array([n.average_precision() for n in notes])
        sums = draw @ np.array([n.counts(threshold) for n in notes], dtype=np.float64).reshape(-1, 3)
        return (
            (draw @ (precision * with_gold)) / np.maximum(draw @ with_gold, 1),
            2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1),
        )

    old_map, old_f1 = both(observed, in_use, thresholds[0])
    new_map, new_f1 = both(observed, new, thresholds[1])
    drawn_old, drawn_new = both(weights, in_use, thresholds[0]), both(weights, new, thresholds[1])
    map_low, map_high = _interval(drawn_new[0] - drawn_old[0])
    f1_low, f1_high = _interval(drawn_new[1] - drawn_old[1])
    lower = new_map[0] < old_map[0], new_f1[0] < old_f1[0]
    return GateResult(
        notes=len(new),
        map_in_use=round(float(old_map[0]), 4),
        map_new=round(float(new_map[0]), 4),
        map_difference=(map_low, map_high),
        f1_in_use=round(float(old_f1[0]), 4),
        f1_new=round(float(new_f1[0]), 4),
        f1_difference=(f1_low, f1_high),
        kept=bool(len(new)) and not (all(lower) or map_high < 0 or f1_high < 0),
    )


def _draws(notes: int, seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    chances = np.full(notes, 1.0 / max(notes, 1))
    return (
        generator.multinomial(notes, chances, size=SAMPLES).astype(np.float64) if notes else np.ones((1, 0))
    )


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    if not len(values):
        return 0.0, 0.0
    low, high = np.percentile(values, (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)
