"""Gradient-boosted trees as plain arrays: exported from scikit-learn, evaluated with numpy alone.

No pickle, no scikit-learn at run time: an ensemble is five flat arrays. ``predict`` gives the same raw
scores as the estimator it came from (proven by test).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_CHUNK = 128
"""Rows that are scored at once: what is in work then stays in the processor's cache."""
_FEW_LEAVES, _MOST_LEAVES = 16, 64
"""Leaves of a tree that are held in a short number, and in a long one."""


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
        Steps from a root to its deepest leaf. No tree has more than 64 leaves.
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
            # one row after the other in memory: the sum of a row is the same, however many there are
            leaf = np.ascontiguousarray(self._walk.leaves(rows).T)
            value = self._walk.value.take(leaf)
            out[begin : begin + len(rows)] = self.baseline + np.add.reduce(value, axis=1)
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

    The leaves of a tree are numbered from left to right, and a set of them is the bits of one number. Each
    distinct comparison of a feature with a threshold is made once for all rows. Where a row goes right, the
    leaves on the left fall out; the first that is left in the end is the one that walking the tree leads to
    (Lucchese et al., QuickScorer, SIGIR 2015).

    Parameters
    ----------
    trees
        The ensemble.

    Attributes
    ----------
    value
        One element a leaf, ``_width`` of them a tree.

    Raises
    ------
    ValueError
        If a tree has more than 64 leaves.
    """

    def __init__(self, trees: TreeEnsemble) -> None:
        left, right = trees.children[0::2], trees.children[1::2]
        leaf = left == np.arange(len(left))
        levels = [trees.roots]
        while len(inner := levels[-1][~leaf[levels[-1]]]):
            levels.append(np.concatenate([left[inner], right[inner]]))
        leaves, first, tree = leaf.astype(np.intp), np.zeros_like(left), np.zeros_like(left)
        tree[trees.roots] = np.arange(len(trees.roots))
        for level in reversed(levels):
            inner = level[~leaf[level]]
            leaves[inner] = leaves[left[inner]] + leaves[right[inner]]
        for level in levels:
            inner = level[~leaf[level]]
            first[left[inner]], first[right[inner]] = first[inner], first[inner] + leaves[left[inner]]
            tree[left[inner]] = tree[right[inner]] = tree[inner]
        most = int(leaves.max(initial=1))
        if most > _MOST_LEAVES:
            raise ValueError(f"a tree has {most} leaves, allowed {_MOST_LEAVES}")
        kind: type[np.uint16 | np.uint32 | np.uint64] = next(
            kind for kind in (np.uint16, np.uint32, np.uint64) if most <= np.iinfo(kind).bits
        )
        self._width = np.iinfo(kind).bits
        # numbers of leaves in as few bytes as will hold them: there are many at once
        short = np.int16 if len(trees.roots) * self._width < 1 << 15 else np.int32
        self._base = (np.arange(len(trees.roots)) * self._width).astype(short)[:, None]
        nodes = np.concatenate(levels)
        ends, inner = nodes[leaf[nodes]], nodes[~leaf[nodes]]
        self.value = np.zeros(len(trees.roots) * self._width)
        self.value[tree[ends] * self._width + first[ends]] = trees.value[ends]
        inner = inner[np.argsort(tree[inner], kind="stable")]
        owner, left_leaves = tree[inner], leaves[left[inner]].astype(np.uint64)
        sizes = np.bincount(owner, minlength=len(trees.roots))
        nth = np.arange(len(inner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        key = trees.feature[inner].astype(np.int64) << 32 | trees.threshold[inner].view(np.uint32)
        _, at, number = np.unique(key, return_index=True, return_inverse=True)
        # the first comparison is one that no row passes, for trees with fewer nodes than others
        self._feature = np.concatenate(([0], trees.feature[inner][at])).astype(np.intp)
        self._threshold = np.concatenate(([np.inf], trees.threshold[inner][at])).astype(np.float32)[:, None]
        shape = int(sizes.max(initial=1)), len(trees.roots)
        test, kept = np.zeros(shape, dtype=np.intp), np.zeros((*shape, 1), dtype=kind)
        kept -= kind(1)  # every bit
        test[nth, owner] = number + 1
        one = np.uint64(1)
        kept[nth, owner, 0] = ~(((one << left_leaves) - one) << first[inner].astype(np.uint64)).astype(kind)
        self._kind = kind
        self._test, self._kept = test.ravel(), kept.reshape(-1, 1)

    def leaves(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        """The leaf that each row of features ends in, shape ``(n, features)`` -> ``(trees, n)``."""
        # all bits where a row goes left, none where it goes right
        stays: NDArray[Any] = np.empty((len(self._feature), len(rows)), dtype=self._kind)
        np.greater(rows.T.take(self._feature, axis=0), self._threshold, out=stays)
        stays -= self._kind(1)
        kept: NDArray[Any] = stays.take(self._test, axis=0)
        kept |= self._kept
        left: NDArray[Any] = np.bitwise_and.reduce(kept.reshape(-1, len(self._base), len(rows)), axis=0)
        first: NDArray[Any] = _first_bits().take(left) if self._kind is np.uint16 else _first_bit(left)
        found: NDArray[Any] = first + self._base
        return found


def _first_bit(numbers: NDArray[Any]) -> NDArray[np.int32]:
    """The lowest bit that is set in each number: the exponent of that bit alone as a short real number."""
    lowest = numbers & (~numbers + numbers.dtype.type(1))
    exponent: NDArray[np.int32] = lowest.astype(np.float32).view(np.int32)
    exponent >>= np.finfo(np.float32).nmant
    exponent -= np.finfo(np.float32).maxexp - 1
    return exponent


@cache
def _first_bits() -> NDArray[np.int16]:
    """The same for each number of 16 bits."""
    return np.maximum(_first_bit(np.arange(1 << _FEW_LEAVES)), 0).astype(np.int16)
