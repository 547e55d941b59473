"""Gradient-boosted trees as plain arrays: exported from scikit-learn, evaluated with numpy alone.

No pickle, no scikit-learn at run time: an ensemble is five flat arrays. ``predict`` gives the same raw
scores as the estimator it came from (proven by test).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_CHUNK = 512
"""Rows that are scored at once: what is in work then stays in the processor's cache."""
_TOP = 3
"""Levels from the root on that are decided for all trees and rows at once."""


@dataclass(frozen=True)
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
        out = np.empty(count)
        for begin in range(0, count, _CHUNK):
            rows = features[begin : begin + _CHUNK]
            leaf = self._walk.leaves(rows)
            # one row after the other in memory: the sum of a row is the same, however many there are
            value = np.ascontiguousarray(self._walk.value.take(leaf).T)
            out[begin : begin + len(rows)] = self.baseline + value.sum(axis=1, dtype=np.float64)
        return out

    @cached_property
    def _walk(self) -> _Walk:
        return _Walk(self)

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


class _Walk:
    """An ensemble laid out for many rows at once.

    Each distinct comparison of a feature with a threshold is made once for all rows. The outcomes of the
    first levels are joined bit by bit; below them each tree is walked, the right child beside the left one.

    Parameters
    ----------
    trees
        The ensemble.

    Attributes
    ----------
    value
        One element a node, in the order of this layout.
    """

    def __init__(self, trees: TreeEnsemble) -> None:
        left, right = trees.children[0::2], trees.children[1::2]
        leaf = left == np.arange(len(left))
        level = trees.roots
        order = [level]
        self._child = np.arange(len(left), dtype=np.intp)
        begin, end = 0, len(level)
        while len(level):
            inner = np.flatnonzero(~leaf[level])
            self._child[begin + inner] = end + 2 * np.arange(len(inner))
            level = np.stack([left[level[inner]], right[level[inner]]], axis=1).ravel()
            order.append(level)
            begin, end = end, end + len(level)
        nodes = np.concatenate(order)
        self.value = trees.value[nodes]
        leaf, feature, threshold = leaf[nodes], trees.feature[nodes], trees.threshold[nodes]
        key = feature.astype(np.int64) << 32 | threshold.view(np.uint32)
        _, first, test = np.unique(np.where(leaf, -1, key), return_index=True, return_inverse=True)
        self._test = test.astype(np.intp)
        self._feature = feature[first]
        self._threshold = np.where(leaf[first], np.float32(np.inf), threshold[first])[:, None]
        self._depth = trees.depth
        at = [np.arange(len(trees.roots), dtype=np.intp)]
        self._top: list[list[NDArray[np.intp]]] = []
        for _ in range(min(_TOP, trees.depth)):
            self._top.append([self._test[nodes_] for nodes_ in at])
            at = [self._child[nodes_] + (~leaf[nodes_] * side) for nodes_ in at for side in (0, 1)]
        self._below = np.stack(at, axis=1).ravel()
        self._base = (np.arange(len(trees.roots), dtype=np.intp) * len(at))[:, None]

    def leaves(self, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        """The leaf that each row of features ends in, shape ``(n, features)`` -> ``(trees, n)``."""
        count = len(rows)
        greater = (rows.T.take(self._feature, axis=0) > self._threshold).view(np.uint8)
        taken: list[NDArray[np.uint8]] = []
        path: NDArray[Any] = np.zeros((1, 1), dtype=np.uint8)
        for tests in self._top:
            sides = [greater.take(test, axis=0) for test in tests]
            for bit in reversed(taken):
                sides = [_either(sides[i], sides[i + 1], bit) for i in range(0, len(sides), 2)]
            taken.append(sides[0])
            path = path << 1 | sides[0]
        node = self._below.take(path + self._base)
        if self._depth <= len(self._top):
            return np.broadcast_to(node, (len(self._base), count))
        flat, test_of = greater.ravel(), self._test * count
        column = np.arange(count, dtype=np.intp)
        at, side = np.empty_like(node), np.empty(node.shape, dtype=np.uint8)
        for _ in range(self._depth - len(self._top)):
            np.take(test_of, node, out=at, mode="clip")
            at += column
            np.take(flat, at, out=side, mode="clip")
            np.take(self._child, node, out=at, mode="clip")
            np.add(at, side, out=node)
        return node


def _either(left: NDArray[np.uint8], right: NDArray[np.uint8], bit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The right bits where ``bit`` is 1, else the left ones."""
    out = left ^ right
    out &= bit
    out ^= left
    return out
