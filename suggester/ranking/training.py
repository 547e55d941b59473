"""Fit the general ranker: scikit-learn gradient boosting on named features, calibrated out of fold.

Only weights of general features are learned here: which words fit, where they stand, what is asserted. No
code and no word of a collection enters the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold

from suggester.ranking.bench import Bench
from suggester.ranking.features import NAMES
from suggester.ranking.model import Calibration, Head
from suggester.ranking.trees import TreeEnsemble
from suggester.types import GoldCode, GoldNote

FOLDS = 5
_KNOTS = 60


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of features of all candidates of some notes.

    Attributes
    ----------
    features
        Shape ``(rows, len(NAMES))``.
    right
        Whether the code is right.
    central
        Whether it is right for a code that the note is about (``core``).
    group
        Number of the note.
    weight
        Weight of the row.
    """

    features: NDArray[np.float32]
    right: NDArray[np.bool_]
    central: NDArray[np.bool_]
    group: NDArray[np.int64]
    weight: NDArray[np.float64]


def is_right(code: str, gold: Sequence[GoldCode], system: str) -> bool:
    """Whether a billable code is one of the acceptable ones, or lies under a category that gold names."""
    for item in gold:
        if item.system != system:
            continue
        for accepted in item.acceptable:
            if code == accepted:
                return True
            if system == "ICD-10-CM" and len(accepted) < len(code) and code.startswith(accepted):
                return True
    return False


def examples(
    bench: Bench,
    notes: Iterable[tuple[GoldNote, float]],
    head: Head,
    *,
    progress: Callable[[int], None] | None = None,
) -> Examples:
    """Features and labels of the candidates of notes, each note with its weight."""
    tables: list[NDArray[np.float32]] = []
    right: list[bool] = []
    central: list[bool] = []
    group: list[int] = []
    weights: list[float] = []
    for number, (gold, weight) in enumerate(notes):
        reading = bench.read(gold.note.text)
        found = [
            c
            for c in bench.finder.find(reading, setting=gold.note.setting)
            if (c.system == "ICD-10-CM") == (head == "diagnosis")
        ]
        table, scored = bench.features.build(reading, found, setting=gold.note.setting)
        tables.append(table)
        about = [code for code in gold.codes if code.status == "core"]
        for item in scored:
            code = bench.codes[item.candidate.system][item.candidate.row]
            right.append(is_right(code, gold.codes, item.candidate.system))
            central.append(right[-1] and is_right(code, about, item.candidate.system))
            group.append(number)
            weights.append(weight)
        if progress is not None:
            progress(number + 1)
    return Examples(
        features=np.concatenate(tables) if tables else np.zeros((0, len(NAMES)), dtype=np.float32),
        right=np.array(right, dtype=np.bool_),
        central=np.array(central, dtype=np.bool_),
        group=np.array(group, dtype=np.int64),
        weight=np.array(weights),
    )


def classifier(**options: Any) -> HistGradientBoostingClassifier:
    """The gradient boosting that the ranker is, with its defaults."""
    settings: dict[str, Any] = {
        "max_iter": 160,
        "learning_rate": 0.06,
        "max_leaf_nodes": 16,
        "max_depth": 7,
        "min_samples_leaf": 40,
        "l2_regularization": 2.0,
        "early_stopping": False,
        "random_state": 0,
    }
    return HistGradientBoostingClassifier(**{**settings, **options})


def fit(data: Examples, **options: Any) -> tuple[TreeEnsemble, Calibration, NDArray[np.float64]]:
    """Fit on all rows; calibrate on out-of-fold scores, folds by note.

    Returns
    -------
    trees, calibration, out_of_fold
        The last are the raw out-of-fold scores, one a row.
    """
    raw = np.zeros(len(data.right))
    for train, test in GroupKFold(FOLDS).split(data.features, data.right, data.group):
        model = classifier(**options).fit(
            data.features[train], data.right[train], sample_weight=data.weight[train]
        )
        raw[test] = TreeEnsemble.from_estimator(model).predict(data.features[test])
    final = classifier(**options).fit(data.features, data.right, sample_weight=data.weight)
    return TreeEnsemble.from_estimator(final), calibrate(raw, data.right, data.weight), raw


def fit_central(data: Examples, **options: Any) -> TreeEnsemble:
    """Fit what tells the codes that a note is about from the others; for their order alone."""
    model = classifier(**options).fit(data.features, data.central, sample_weight=data.weight)
    return TreeEnsemble.from_estimator(model)


def calibrate(raw: NDArray[np.float64], right: NDArray[np.bool_], weight: NDArray[np.float64]) -> Calibration:
    """Isotonic regression of being right on the raw score, thinned to few knots, strictly increasing."""
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
        raw, right, sample_weight=weight
    )
    knots = np.unique(
        np.quantile(
            raw, np.concatenate([np.linspace(0, 0.9, _KNOTS // 3), 1 - np.geomspace(0.1, 1e-4, _KNOTS)])
        )
    )
    smoothed = np.array([_mean_near(fitted, raw, knot) for knot in knots])
    probability = np.maximum.accumulate(np.clip(smoothed, 1e-4, 0.995))
    return Calibration(raw=knots, probability=probability)


def _mean_near(fitted: IsotonicRegression, raw: NDArray[np.float64], knot: float) -> float:
    spread = 0.15
    return float(np.mean(fitted.predict(np.array([knot - spread, knot, knot + spread]))))
