"""How often phrases stand together with codes, and which phrase of a sentence deserves the credit.

Raw counts give every phrase of a sentence the whole credit for its codes; *fever* next to *cough* then
speaks for cough. So credit is shared out among the phrases of a sentence by expectation maximisation: those
that meet the code elsewhere too take it from those that do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROUNDS = 5
"""Rounds of expectation maximisation."""

MIN_SHARE = 0.01
"""Pairs of phrase and label below this share of the phrase's sentences are dropped."""

PAIR_NAMES: tuple[str, ...] = (
    "share",
    "together",
    "phrase_count",
    "phrase_kind",
    "share_sum",
    "share_any",
    "second_share",
    "most_together",
    "phrases",
    "surprise",
    "evidence",
    "credit",
    "credit_sum",
    "credited",
    "credit_affirmed",
    "best_negated",
)
"""Columns of what is known of a label in a sentence."""

LEAST_UNCODED = 2
"""Sentences from which a phrase that speaks for nothing is remembered."""

_CREDIT, _CREDIT_SUM = PAIR_NAMES.index("credit"), PAIR_NAMES.index("credit_sum")
_SORTED_BY = (0, 4, _CREDIT_SUM)


@dataclass(frozen=True, slots=True)
class Found:
    """Labels that phrases speak for, one element a pair of row and label, ordered by row and label.

    ``best`` is the position, in what was looked up, of the phrase that speaks loudest.
    """

    row: NDArray[np.int64]
    label: NDArray[np.int64]
    values: NDArray[np.float32]
    best: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Associations:
    """Counts of phrases with labels (codes, or their categories).

    Attributes
    ----------
    count
        Sentences that hold each phrase (column).
    kind
        Kind of each phrase.
    pointer, label, together, credit
        For each phrase its labels (compressed rows), the sentences that hold both, and the credit.
    coded
        Sentences with any label that hold each phrase.
    credit_sum, credit_most
        Credit of each phrase for all labels and for one.
    label_rows, label_notes
        Sentences and notes of each label.
    rows, notes
        Sentences and notes in all.
    """

    count: NDArray[np.float32]
    kind: NDArray[np.int8]
    pointer: NDArray[np.int64]
    label: NDArray[np.int32]
    together: NDArray[np.float32]
    credit: NDArray[np.float32]
    coded: NDArray[np.float32]
    credit_sum: NDArray[np.float32]
    credit_most: NDArray[np.float32]
    label_rows: NDArray[np.float32]
    label_notes: NDArray[np.float32]
    rows: int
    notes: int

    @classmethod
    def fit(
        cls,
        phrases: csr_matrix,
        labels: csr_matrix,
        label_notes: NDArray[np.float32],
        *,
        kind: NDArray[np.int8],
        notes: int,
    ) -> Self:
        """Count.

        Parameters
        ----------
        phrases, labels
            Sentences by phrases and sentences by labels, ones.
        label_notes
            Notes of each label.
        kind
            Kind of each phrase.
        notes
            Notes in all.
        """
        count = np.asarray(phrases.sum(axis=0), dtype=np.float32).ravel()
        together = (phrases.T @ labels).tocsr()
        together.sort_indices()
        credit = _share_out(phrases, labels, together, count)
        owner = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
        share = together.data / (count[owner] + 1.0)
        keep = share >= MIN_SHARE
        pointer = np.zeros(len(count) + 1, dtype=np.int64)
        np.cumsum(np.bincount(owner[keep], minlength=len(count)), out=pointer[1:])
        credit_most = np.zeros(len(count))
        np.maximum.at(credit_most, owner[keep], credit[keep])
        labelled = (np.diff(labels.indptr) > 0).astype(np.float32)
        return cls(
            count=count,
            kind=kind,
            pointer=pointer,
            label=together.indices[keep].astype(np.int32),
            together=together.data[keep].astype(np.float32),
            credit=credit[keep].astype(np.float32),
            coded=np.asarray(phrases.T @ labelled, dtype=np.float32).ravel(),
            credit_sum=np.bincount(owner[keep], credit[keep], minlength=len(count)).astype(np.float32),
            credit_most=credit_most.astype(np.float32),
            label_rows=np.asarray(labels.sum(axis=0), dtype=np.float32).ravel(),
            label_notes=label_notes.astype(np.float32),
            rows=phrases.shape[0],
            notes=notes,
        )

    def look_up(
        self, row: NDArray[np.int64], phrase: NDArray[np.int64], negated: NDArray[np.bool_], *, top: int
    ) -> Found:
        """Labels that the phrases of each row speak for, at most about ``top`` a row.

        Parameters
        ----------
        row, phrase
            Row (sentence) and column of each phrase; columns below 0 are unknown and passed over.
        negated
            Whether each phrase is negated.
        top
            Most labels a row by each of share, summed share and summed credit.
        """
        at = np.flatnonzero(phrase >= 0)
        length = self.pointer[phrase[at] + 1] - self.pointer[phrase[at]]
        at, length = at[length > 0], length[length > 0]
        if not len(at):
            none = np.zeros(0, dtype=np.int64)
            return Found(none, none, np.zeros((0, len(PAIR_NAMES)), dtype=np.float32), none)
        ends = np.cumsum(length)
        entry = np.repeat(self.pointer[phrase[at]] - ends + length, length) + np.arange(ends[-1])
        source = np.repeat(at, length)
        labels = len(self.label_rows)
        key = row[source] * labels + self.label[entry]
        count = self.count[phrase[source]].astype(np.float64)
        label = self.label[entry]
        together = self.together[entry].astype(np.float64)
        share = (together + 0.1 * self.label_notes[label] / max(self.notes, 1)) / (count + 1.0)
        # one number to sort by: the key, then the share, then the count; of equals the first phrase
        order = np.argsort(2.0 * key - np.minimum(share + 1e-6 * together, 1.9), kind="stable")
        key, source, entry, label = key[order], source[order], entry[order], label[order]
        share, together, count = share[order], together[order], count[order]
        new = np.ones(len(key), dtype=np.bool_)
        new[1:] = key[1:] != key[:-1]
        start = np.flatnonzero(new)
        size = np.diff(np.append(start, len(key)))
        lift = np.log(share / np.maximum(self.label_rows[label] / max(self.rows, 1), 1e-5))
        credit = self.credit[entry] / (count + 1.0)
        best = _loudest(start, size, credit, source)
        values = np.stack(
            [
                share[start],
                together[start],
                count[start],
                self.kind[phrase[source[start]]],
                np.add.reduceat(share, start),
                -np.add.reduceat(np.log1p(-np.minimum(share, 0.99)), start),
                np.where(size > 1, share[np.minimum(start + 1, len(share) - 1)], 0.0),
                np.maximum.reduceat(together, start),
                size,
                np.maximum.reduceat(np.sqrt(together) * lift, start),
                np.add.reduceat(np.maximum(lift, 0.0) * (share > 0.05), start),
                np.maximum.reduceat(credit, start),
                np.add.reduceat(credit, start),
                np.maximum.reduceat(self.credit[entry], start),
                np.add.reduceat(np.where(negated[source], 0.0, credit), start),
                negated[best],
            ],
            axis=1,
        ).astype(np.float32)
        out_row, out_label = key[start] // labels, key[start] % labels
        keep = np.zeros(len(start), dtype=np.bool_)
        for column in _SORTED_BY:
            keep |= rank_within(values[:, column], out_row)[0] < top
        return Found(out_row[keep], out_label[keep], values[keep], best[keep])

    def remembers(self, column: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether phrases, by column, speak for a label, or stand in several sentences all the same."""
        return (self.pointer[column + 1] > self.pointer[column]) | (self.count[column] >= LEAST_UNCODED)

    def compact(self) -> tuple[Self, NDArray[np.int64]]:
        """Without the phrases that nothing is remembered of, and the columns that stay."""
        stay = np.flatnonzero(self.remembers(np.arange(len(self.count))))
        return self.columns(stay), stay

    def columns(self, stay: NDArray[np.int64]) -> Self:
        """With some phrases only, given by their columns in order."""
        length = np.diff(self.pointer)
        keep = np.zeros(len(self.count), dtype=np.bool_)
        keep[stay] = True
        entries = np.repeat(keep, length)
        return replace(
            self,
            count=self.count[stay],
            kind=self.kind[stay],
            pointer=np.concatenate(([0], np.cumsum(length[stay]))),
            label=self.label[entries],
            together=self.together[entries],
            credit=self.credit[entries],
            coded=self.coded[stay],
            credit_sum=self.credit_sum[stay],
            credit_most=self.credit_most[stay],
        )

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays to store."""
        out = {f"{prefix}.{name}": getattr(self, name) for name in self.__dataclass_fields__}
        out[f"{prefix}.rows"] = np.array([self.rows])
        out[f"{prefix}.notes"] = np.array([self.notes])
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """From stored arrays."""
        values: dict[str, Any] = {name: arrays[f"{prefix}.{name}"] for name in cls.__dataclass_fields__}
        values["rows"], values["notes"] = int(values["rows"][0]), int(values["notes"][0])
        return cls(**values)


def _loudest(
    start: NDArray[np.int64], size: NDArray[np.int64], credit: NDArray[np.float64], source: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Position of the phrase with the most credit in each group; of equals that with the largest share."""
    highest = np.flatnonzero(credit >= np.repeat(np.maximum.reduceat(credit, start), size))
    first = np.searchsorted(highest, start)
    return np.asarray(source[highest[first]])


def rank_within(value: NDArray[Any], group: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank of each value within its group, from 0, highest first, and the group's highest value.

    >>> rank, highest = rank_within(np.array([0.2, 0.9, 0.5]), np.array([1, 1, 2]))
    >>> rank.tolist(), highest.tolist()
    ([1, 0, 0], [0.9, 0.9, 0.5])
    """
    rank = np.zeros(len(value), dtype=np.int64)
    highest = np.zeros(len(value), dtype=np.float64)
    if not len(value):
        return rank, highest
    order = np.lexsort((-value, group))
    sorted_group = group[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = sorted_group[1:] != sorted_group[:-1]
    start = np.flatnonzero(new)
    size = np.diff(np.append(start, len(order)))
    rank[order] = np.arange(len(order)) - np.repeat(start, size)
    highest[order] = np.repeat(value[order][start], size)
    return rank, highest


def find[T: np.generic](keys: NDArray[T], wanted: NDArray[T]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted key stands in ascending keys, and whether it does."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def _share_out(
    phrases: csr_matrix, labels: csr_matrix, together: csr_matrix, count: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Credit of each stored element of ``together``: sentences of the label that the phrase accounts for."""
    labelled = np.flatnonzero(np.diff(labels.indptr))
    some, named = phrases[labelled], labels[labelled]
    row = np.repeat(np.arange(len(labelled)), np.diff(named.indptr))
    length = np.diff(some.indptr)[row]
    ends = np.cumsum(length)
    if not len(ends):
        return np.zeros(len(together.data))
    entry = np.repeat(some.indptr[row] - ends + length, length) + np.arange(ends[-1])
    width = together.shape[1]
    owner = np.repeat(np.arange(together.shape[0], dtype=np.int64), np.diff(together.indptr))
    keys = owner * width + together.indices
    group = np.repeat(np.arange(len(row)), length)
    at = np.searchsorted(
        keys, some.indices[entry].astype(np.int64) * width + np.repeat(named.indices, length)
    )
    credit = together.data.astype(np.float64)
    prior = together.data / (count[owner] + 1.0)
    for _ in range(ROUNDS):
        weight = (credit * prior)[at]
        total = np.bincount(group, weight, minlength=len(row))
        credit = np.bincount(at, weight / np.maximum(total[group], 1e-12), minlength=len(keys))
    return np.asarray(credit, dtype=np.float64)
