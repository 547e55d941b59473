"""Gradient-boosted trees as plain arrays: exported from scikit-learn, evaluated with numpy alone.

No pickle, no scikit-learn at run time: an ensemble is five flat arrays. ``predict`` gives the same raw
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
    feature, threshold, value
        One element a node: go left where ``x[feature] <= threshold``.
    children
        Two elements a node: its left and its right child.
    roots
        Node of each tree's root.
    baseline
        Raw score before the first tree.
    depth
        Steps from a root to its deepest leaf.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float32]
    children: NDArray[np.intp]
    value: NDArray[np.float32]
    roots: NDArray[np.intp]
    baseline: float
    depth: int

    @classmethod
    def from_estimator(cls, estimator: Any) -> Self:
        """From a fitted binary ``HistGradientBoostingClassifier`` without categorical features."""
        tables = [stage[0].nodes for stage in estimator._predictors]
        sizes = np.array([len(t) for t in tables])
        offsets = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.intp)
        nodes = np.concatenate(tables)
        shift = np.repeat(offsets, sizes)
        here = np.arange(len(nodes), dtype=np.intp)
        leaf = nodes["is_leaf"].astype(bool)
        threshold = nodes["num_threshold"].astype(np.float64)
        rounded = threshold.astype(np.float32)
        # a float32 feature must fall on the same side of the rounded threshold
        rounded = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return cls(
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp),
            threshold=np.where(leaf, np.float32(np.inf), rounded).astype(np.float32),
            children=np.stack(
                [np.where(leaf, here, nodes[side].astype(np.intp) + shift) for side in ("left", "right")],
                axis=1,
            ).ravel(),
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
        base = (np.arange(count, dtype=np.intp) * width)[:, None]
        node = np.repeat(self.roots[None, :], count, axis=0)
        for _ in range(self.depth):
            value = flat.take(base + self.feature.take(node))
            node = self.children.take(2 * node + (value > self.threshold.take(node)))
        return np.asarray(self.baseline + self.value.take(node).sum(axis=1, dtype=np.float64))

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays to store."""
        return {
            f"{prefix}.feature": self.feature.astype(np.int16),
            f"{prefix}.threshold": self.threshold,
            f"{prefix}.children": self.children.astype(np.int32),
            f"{prefix}.value": self.value,
            f"{prefix}.roots": self.roots.astype(np.int32),
            f"{prefix}.scalars": np.array([self.baseline, float(self.depth)]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """From stored arrays."""
        baseline, depth = arrays[f"{prefix}.scalars"].tolist()
        return cls(
            feature=arrays[f"{prefix}.feature"].astype(np.intp),
            threshold=arrays[f"{prefix}.threshold"],
            children=arrays[f"{prefix}.children"].astype(np.intp),
            value=arrays[f"{prefix}.value"],
            roots=arrays[f"{prefix}.roots"].astype(np.intp),
            baseline=baseline,
            depth=int(depth),
        )
