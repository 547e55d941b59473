"""Gradient-boosted trees as plain arrays: exported from scikit-learn, evaluated with numpy alone.

No pickle, no scikit-learn at run time: an ensemble is six flat arrays. ``predict`` gives the same raw
scores as the estimator it came from (proven by test).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Trees in one node table; a leaf points to itself.

    Attributes
    ----------
    feature, threshold, left, right, value
        One element a node: go left where ``x[feature] <= threshold``.
    roots
        Node of each tree's root.
    baseline
        Raw score before the first tree.
    depth
        Steps from a root to its deepest leaf.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    baseline: float
    depth: int

    @classmethod
    def from_estimator(cls, estimator: Any) -> Self:
        """From a fitted binary ``HistGradientBoostingClassifier`` without categorical features."""
        tables = [stage[0].nodes for stage in estimator._predictors]
        sizes = np.array([len(t) for t in tables])
        offsets = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int32)
        nodes = np.concatenate(tables)
        shift = np.repeat(offsets, sizes)
        here = np.arange(len(nodes), dtype=np.int32)
        leaf = nodes["is_leaf"].astype(bool)
        threshold = nodes["num_threshold"].astype(np.float64)
        rounded = threshold.astype(np.float32)
        # a float32 feature must fall on the same side of the rounded threshold
        rounded = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return cls(
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int16),
            threshold=np.where(leaf, np.float32(np.inf), rounded).astype(np.float32),
            left=np.where(leaf, here, nodes["left"].astype(np.int32) + shift).astype(np.int32),
            right=np.where(leaf, here, nodes["right"].astype(np.int32) + shift).astype(np.int32),
            value=np.where(leaf, nodes["value"], 0.0).astype(np.float32),
            roots=offsets,
            baseline=float(np.ravel(estimator._baseline_prediction)[0]),
            depth=int(nodes["depth"].max()),
        )

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores (log odds) of rows of features, shape ``(n, features)`` -> ``(n,)``."""
        count = len(features)
        if not count:
            return np.zeros(0)
        width = features.shape[1]
        flat = np.ascontiguousarray(features).ravel()
        base = (np.arange(count, dtype=np.int32) * width)[:, None]
        node = np.broadcast_to(self.roots, (count, len(self.roots)))
        for _ in range(self.depth):
            go_left = flat[base + self.feature[node]] <= self.threshold[node]
            node = np.where(go_left, self.left[node], self.right[node])
        return np.asarray(self.baseline + self.value[node].sum(axis=1, dtype=np.float64))

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays to store."""
        return {
            f"{prefix}.feature": self.feature,
            f"{prefix}.threshold": self.threshold,
            f"{prefix}.left": self.left,
            f"{prefix}.right": self.right,
            f"{prefix}.value": self.value,
            f"{prefix}.roots": self.roots,
            f"{prefix}.scalars": np.array([self.baseline, float(self.depth)]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """From stored arrays."""
        baseline, depth = arrays[f"{prefix}.scalars"].tolist()
        return cls(
            feature=arrays[f"{prefix}.feature"],
            threshold=arrays[f"{prefix}.threshold"],
            left=arrays[f"{prefix}.left"],
            right=arrays[f"{prefix}.right"],
            value=arrays[f"{prefix}.value"],
            roots=arrays[f"{prefix}.roots"],
            baseline=baseline,
            depth=int(depth),
        )
