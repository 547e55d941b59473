"""Fit the general ranker: scikit-learn gradient boosting on named features, calibrated out of fold.

Of the collections it is fitted on only weights of features are learned: which words fit, where they stand,
what is asserted. Codes and words enter the model from notes alone that are told to be counted: those written
for this project (see ``suggester.ranking.usage``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold

from suggester.ranking.bench import Bench
from suggester.ranking.describing import COLUMNS, GENERAL, Head, by_head, with_meaning
from suggester.ranking.model import Calibration
from suggester.ranking.sighting import Sighting
from suggester.ranking.trees import TreeEnsemble
from suggester.ranking.usage import Usage
from suggester.types import GoldCode, GoldNote

FOLDS = 5
_KNOTS = 60


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of features of all candidates of some notes.

    Attributes
    ----------
    features
        Shape ``(rows, len(GENERAL))``, or ``len(COLUMNS)`` with usage.
    right
        Whether the code is right.
    central
        Whether it is right for a code that the note is about (``core``).
    group
        Number of the note.
    weight
        Weight of the row.
    sightings
        The candidates of each note as usage sees them.
    """

    features: NDArray[np.float32]
    right: NDArray[np.bool_]
    central: NDArray[np.bool_]
    group: NDArray[np.int64]
    weight: NDArray[np.float64]
    sightings: Sequence[Sighting]


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
    sightings: list[Sighting] = []
    for number, (gold, weight) in enumerate(notes):
        reading = bench.read(gold.note.text)
        found = dict(by_head(bench.finder.find(reading, setting=gold.note.setting)))[head]
        table, scored = bench.features.build(reading, found, setting=gold.note.setting)
        general, seen = with_meaning(bench, reading, scored, table)
        tables.append(general)
        sightings.append(seen)
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
        features=np.concatenate(tables) if tables else np.zeros((0, len(GENERAL)), dtype=np.float32),
        right=np.array(right, dtype=np.bool_),
        central=np.array(central, dtype=np.bool_),
        group=np.array(group, dtype=np.int64),
        weight=np.array(weights),
        sightings=sightings,
    )


def with_usage(data: Examples, counted: NDArray[np.bool_]) -> tuple[Examples, Usage]:
    """Add what counted notes tell of codes and words: of a counted note what the notes of other folds tell.

    Parameters
    ----------
    data
        Examples with general features.
    counted
        Whether each note is counted, shape ``(notes,)``.

    Returns
    -------
    examples, usage
        The examples with columns ``COLUMNS``; what all counted notes tell.
    """
    notes = len(data.sightings)
    rows = np.searchsorted(data.group, np.arange(notes + 1))
    right = [data.right[rows[n] : rows[n + 1]] for n in range(notes)]
    central = [data.central[rows[n] : rows[n + 1]] for n in range(notes)]

    def learned(chosen: Iterable[int]) -> Usage:
        of = list(chosen)
        return Usage.learned(
            [data.sightings[n] for n in of], [right[n] for n in of], [central[n] for n in of]
        )

    told = np.empty((len(data.right), len(COLUMNS) - len(GENERAL)), dtype=np.float32)
    fold = np.where(counted, np.cumsum(counted) % FOLDS, FOLDS)
    for number in range(FOLDS + 1):
        usage = learned(np.flatnonzero(counted & (fold != number)).tolist())
        for note in np.flatnonzero(fold == number).tolist():
            told[rows[note] : rows[note + 1]] = usage.columns(data.sightings[note])
    return replace(data, features=np.concatenate([data.features, told], axis=1)), usage


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
