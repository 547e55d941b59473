"""Fitting the general ranker: what counts as right, what an example is, and that it repeats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from engine_world import bench_of
from threadpoolctl import threadpool_limits

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.describing import GENERAL
from suggester.ranking.training import (
    FOLDS,
    Examples,
    calibrate,
    classifier,
    examples,
    fit,
    fit_central,
    is_right,
)
from suggester.types import GoldCode, GoldNote, Note

DIABETES = GoldCode(system="ICD-10-CM", code="E11.9")
EITHER = GoldCode(system="ICD-10-CM", code="M17.11", acceptable=frozenset({"M17.9"}))
CATEGORY = GoldCode(system="ICD-10-CM", code="I48")
VISIT = GoldCode(system="CPT", code="99213")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small fits on a shared machine are quicker on one thread."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.mark.parametrize(
    ("code", "gold", "system", "right"),
    [
        ("E11.9", [DIABETES], "ICD-10-CM", True),
        ("E11.8", [DIABETES], "ICD-10-CM", False),
        ("M17.11", [EITHER], "ICD-10-CM", True),
        ("M17.9", [EITHER], "ICD-10-CM", True),
        ("M17.12", [EITHER], "ICD-10-CM", False),
        ("I48.91", [CATEGORY], "ICD-10-CM", True),
        ("I49.9", [CATEGORY], "ICD-10-CM", False),
        ("99213", [VISIT], "CPT", True),
        ("99214", [VISIT], "CPT", False),
        ("99213", [DIABETES], "CPT", False),
        ("E11.9", [VISIT, DIABETES], "ICD-10-CM", True),
        ("E11.9", [], "ICD-10-CM", False),
        ("E11", [DIABETES], "ICD-10-CM", False),
    ],
)
def test_what_is_right(code: str, gold: list[GoldCode], system: str, right: bool) -> None:
    assert is_right(code, gold, system) is right


def test_a_category_is_only_a_prefix_for_diagnoses() -> None:
    short = GoldCode(system="HCPCS", code="J188")
    assert not is_right("J1885", [short], "HCPCS")


NOTES = [
    (GoldNote(note=Note(id="a", text="Type 2 diabetes. Ketorolac IM."), codes=(DIABETES,)), 1.0),
    (GoldNote(note=Note(id="b", text=""), codes=(DIABETES,)), 2.0),
    (GoldNote(note=Note(id="c", text="Atrial fibrillation."), codes=(CATEGORY,)), 3.0),
]


def test_examples_are_the_candidates_of_a_head_with_their_note_and_weight(bench: Bench) -> None:
    seen: list[int] = []
    data = examples(bench, NOTES, "diagnosis", progress=seen.append)
    assert seen == [1, 2, 3]
    assert data.features.shape == (len(data.right), len(GENERAL))
    assert set(data.group.tolist()) == {0, 2}
    assert {(g, w) for g, w in zip(data.group.tolist(), data.weight.tolist(), strict=True)} == {
        (0, 1.0),
        (2, 3.0),
    }
    assert 0 < data.right.sum() < len(data.right)
    other = examples(bench, NOTES, "procedure")
    assert {0} <= set(other.group.tolist()) <= {0, 2}
    assert not other.right.any()


def test_no_notes_are_no_examples(bench: Bench) -> None:
    data = examples(bench, [], "diagnosis")
    assert data.features.shape == (0, len(GENERAL))
    assert len(data.right) == len(data.group) == len(data.weight) == 0


def made(rows: int = 400, width: int = 3) -> Examples:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(rows, width)).astype(np.float32)
    right = features[:, 0] + rng.normal(scale=0.5, size=rows) > 0.3
    return Examples(
        features=features,
        right=right,
        central=right & (features[:, 1] > 0),
        group=np.arange(rows) // 10,
        weight=np.ones(rows),
        sightings=[],
    )


def test_what_a_note_is_about_is_told_from_what_is_right_only() -> None:
    data = made()
    score = fit_central(data, max_iter=20, min_samples_leaf=5).predict(data.features)
    assert score[data.central].mean() > score[data.right & ~data.central].mean() + 0.5
    again = fit_central(data, max_iter=20, min_samples_leaf=5).predict(data.features)
    assert score.tolist() == again.tolist()


def test_fitting_twice_gives_the_same_model_and_out_of_fold_scores_tell() -> None:
    data = made()
    options = {"max_iter": 10, "min_samples_leaf": 5}
    trees, calibration, raw = fit(data, **options)
    again, calibration2, raw2 = fit(data, **options)
    assert trees.predict(data.features).tolist() == again.predict(data.features).tolist()
    assert calibration.probability.tolist() == calibration2.probability.tolist()
    assert raw.tolist() == raw2.tolist()
    assert raw[data.right].mean() > raw[~data.right].mean() + 0.5
    probability = calibration.apply(raw)
    assert abs(float(probability.mean()) - float(data.right.mean())) < 0.05


def test_out_of_fold_scores_come_from_models_that_never_saw_the_note() -> None:
    """Features that only name the note: inside it they tell everything, outside nothing."""
    group = np.arange(20 * FOLDS) // 4
    right = group % 2 == 0
    features = group[:, None].astype(np.float32)
    data = Examples(
        features=features,
        right=right,
        central=right,
        group=group,
        weight=np.ones(len(group)),
        sightings=[],
    )
    trees, _, raw = fit(data, max_iter=40, min_samples_leaf=1, learning_rate=0.5)
    inside = trees.predict(features)
    assert ((inside > 0) == right).mean() > 0.95
    assert ((raw > 0) == right).mean() < 0.8


def test_weights_move_the_calibration() -> None:
    raw = np.repeat([0.0, 1.0], 50)
    right = np.tile([True, False], 50)
    even = calibrate(raw, right, np.ones(100))
    heavy = calibrate(raw, right, np.where(right, 3.0, 1.0))
    at = np.array([0.0, 1.0])
    assert even.apply(at) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert heavy.apply(at) == pytest.approx([0.75, 0.75], abs=1e-6)


def test_calibration_rises_and_stays_within_its_bounds() -> None:
    rng = np.random.default_rng(3)
    raw = rng.normal(size=2000)
    right = rng.random(2000) < 1 / (1 + np.exp(-2 * raw))
    calibration = calibrate(raw, right, np.ones(2000))
    assert (np.diff(calibration.raw) > 0).all()
    assert (np.diff(calibration.probability) >= 0).all()
    assert calibration.probability.min() >= 1e-4
    assert calibration.probability.max() <= 0.995
    middle = calibration.apply(np.array([-1.0, 0.0, 1.0]))
    assert middle == pytest.approx([0.12, 0.5, 0.88], abs=0.08)


def test_options_of_the_classifier_replace_its_defaults() -> None:
    plain = classifier()
    assert (plain.max_iter, plain.random_state, plain.early_stopping) == (160, 0, False)
    assert classifier(max_iter=3).max_iter == 3
