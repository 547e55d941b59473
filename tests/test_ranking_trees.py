"""Trees as plain arrays give the scores of the estimator they came from, on both sides of every threshold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from engine_world import plain_trees
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from suggester.ranking.trees import TreeEnsemble

WIDTH = 5


def sample(seed: int, rows: int) -> NDArray[np.float32]:
    """Rows that mix few whole values, as counts have, with real ones."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(rows, WIDTH))
    table[:, 0] = rng.integers(0, 4, rows)
    table[:, 1] = np.round(table[:, 1], 1)
    return table.astype(np.float32)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """scikit-learn's threads cost more than they save on so few rows."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def estimator() -> HistGradientBoostingClassifier:
    features = sample(1, 600)
    target = (features[:, 0] > 1) ^ (features[:, 2] > 0.3) | (features[:, 1] > 1)
    return HistGradientBoostingClassifier(
        max_iter=25, max_leaf_nodes=9, min_samples_leaf=5, early_stopping=False, random_state=0
    ).fit(features, target)


@pytest.fixture(scope="module")
def trees(estimator: HistGradientBoostingClassifier) -> TreeEnsemble:
    return TreeEnsemble.from_estimator(estimator)


def same(estimator: HistGradientBoostingClassifier, trees: TreeEnsemble, rows: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(trees.predict(rows), estimator.decision_function(rows), atol=1e-5)


def test_scores_are_those_of_the_estimator(
    estimator: HistGradientBoostingClassifier, trees: TreeEnsemble
) -> None:
    same(estimator, trees, sample(1, 600))
    same(estimator, trees, sample(2, 500))


def test_values_at_and_beside_every_threshold_fall_on_the_same_side(
    estimator: HistGradientBoostingClassifier, trees: TreeEnsemble
) -> None:
    rows = []
    base = sample(3, 1)[0]
    for stage in estimator._predictors:
        for node in stage[0].nodes:
            if node["is_leaf"]:
                continue
            at = np.float32(node["num_threshold"])
            for value in (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf))):
                row = base.copy()
                row[node["feature_idx"]] = value
                rows.append(row)
    assert len(rows) > 300
    same(estimator, trees, np.array(rows, dtype=np.float32))


def test_thresholds_between_two_single_precision_numbers_part_them_as_before() -> None:
    """Fitted on doubles, thresholds are seldom float32; rounding them up would let a value slip across."""
    rng = np.random.default_rng(8)
    features = rng.normal(size=(400, 1))
    estimator = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=2, min_samples_leaf=5, early_stopping=False, random_state=0
    ).fit(features, np.sin(7 * features[:, 0]) > 0)
    thresholds = np.array([stage[0].nodes[0]["num_threshold"] for stage in estimator._predictors])
    near = thresholds.astype(np.float32)
    assert (near > thresholds).any()
    assert (near < thresholds).any()
    same(estimator, TreeEnsemble.from_estimator(estimator), near[:, None])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, width=32), min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=8
    )
)
def test_any_finite_or_infinite_row_is_scored_alike(
    estimator: HistGradientBoostingClassifier, trees: TreeEnsemble, rows: list[list[float]]
) -> None:
    table = np.array(rows, dtype=np.float32)
    finite = np.isfinite(table).all(axis=1)
    scores = trees.predict(table)
    assert np.isfinite(scores).all()
    if finite.any():
        np.testing.assert_allclose(scores[finite], estimator.decision_function(table[finite]), atol=1e-5)


def test_rows_are_scored_one_by_one_as_together(trees: TreeEnsemble) -> None:
    rows = sample(4, 40)
    together = trees.predict(rows)
    assert [trees.predict(row[None, :])[0] for row in rows] == together.tolist()
    assert trees.predict(np.asfortranarray(rows)).tolist() == together.tolist()


def test_no_rows_give_no_scores(trees: TreeEnsemble) -> None:
    assert trees.predict(np.zeros((0, WIDTH), dtype=np.float32)).shape == (0,)


def test_arrays_carry_the_ensemble_whole(trees: TreeEnsemble) -> None:
    arrays = trees.to_arrays("x")
    assert all(name.startswith("x.") for name in arrays)
    assert all(array.dtype != object for array in arrays.values())
    again = TreeEnsemble.from_arrays(arrays, "x")
    rows = sample(5, 100)
    assert again.predict(rows).tolist() == trees.predict(rows).tolist()
    assert (again.depth, again.baseline) == (trees.depth, trees.baseline)


def test_a_stump_goes_left_up_to_and_with_its_threshold() -> None:
    stump = plain_trees(feature=1, threshold=0.5, low=-1.0, high=3.0)
    rows = np.array([[9, 0.5], [9, 0.50001], [9, -7]], dtype=np.float32)
    assert stump.predict(rows).tolist() == [-1.0, 3.0, -1.0]


def test_an_ensemble_of_leaves_alone_is_its_baseline() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flat = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=50, early_stopping=False).fit(
            sample(6, 20), np.arange(20) % 2
        )
    trees = TreeEnsemble.from_estimator(flat)
    np.testing.assert_allclose(trees.predict(sample(7, 5)), flat.decision_function(sample(7, 5)), atol=1e-6)


@pytest.mark.parametrize("leaves", [16, 17, 32, 33, 64])
def test_trees_of_more_leaves_are_scored_alike(leaves: int) -> None:
    features = sample(5, 900)
    estimator = HistGradientBoostingClassifier(
        max_iter=4, max_leaf_nodes=leaves, min_samples_leaf=2, early_stopping=False, random_state=0
    ).fit(features, np.sin(9 * features[:, 2]) > features[:, 3])
    assert max(stage[0].nodes["is_leaf"].sum() for stage in estimator._predictors) == leaves
    trees = TreeEnsemble.from_estimator(estimator)
    same(estimator, trees, sample(6, 600))
    assert trees.predict(sample(6, 600)[:7]).tolist() == trees.predict(sample(6, 600)).tolist()[:7]


def test_a_tree_of_too_many_leaves_is_refused() -> None:
    features = sample(5, 2000)
    estimator = HistGradientBoostingClassifier(
        max_iter=1, max_leaf_nodes=65, min_samples_leaf=2, early_stopping=False, random_state=0
    ).fit(features, np.sin(40 * features[:, 2]) > 0)
    with pytest.raises(ValueError, match="65 leaves, allowed 64"):
        TreeEnsemble.from_estimator(estimator).predict(features)


def test_a_tree_that_is_one_leaf_gives_its_value() -> None:
    features = sample(5, 40)
    estimator = HistGradientBoostingClassifier(
        max_iter=2, min_samples_leaf=40, early_stopping=False, random_state=0
    ).fit(features, features[:, 0] > 1)
    same(estimator, TreeEnsemble.from_estimator(estimator), features)
