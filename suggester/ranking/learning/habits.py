"""Habits: which of the codes that the finder names a site uses, and which words it codes at all.

Associations know what speaks for a code. These counts know what speaks against one: that the finder named it
in many notes and none had it, that its words stood in many sentences without a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.ranking.learning.associations import Associations
from suggester.ranking.learning.phrases import Kind
from suggester.ranking.learning.views import SUPPORT_NAMES, CodeTable

STRONG = 0.55
"""Match score from which the finder names a code strongly."""

LEVELS = (0.0, STRONG)
HABIT_NAMES: tuple[str, ...] = tuple(
    f"{level}_{name}"
    for level in ("named", "strongly_named")
    for name in ("notes", "right", "rate", "rate_beside", "notes_beside")
)
"""For each level: notes in which the code was named, those that had it, their share; the same share for the
other codes of its category, and their number."""

MENTION_NAMES: tuple[str, ...] = (
    "words_fewest",
    "words_credit",
    "words_credit_sum",
    "words_one_code",
    "words_coded",
    "words_most_coded",
    "words_least_coded",
    "words_phrase_count",
)
"""For the phrases inside the words of a support: the count of the rarest, the highest and the summed credit,
the highest credit for one code, the share of their sentences that had a code (mean, rare ones weighing more;
highest; lowest), and the highest count of a phrase of several words."""

_SCORE, _NEGATED = SUPPORT_NAMES.index("match_score"), SUPPORT_NAMES.index("negated")
_SEVERAL_WORDS = (Kind.PAIR, Kind.TRIPLE, Kind.TERM)
_PRIOR = 0.25
_PRIOR_CODED = 0.3
_RUN = 4_000


@dataclass(frozen=True, slots=True)
class Habits:
    """How often codes were named and right.

    Attributes
    ----------
    code
        Number of each code that was named, ascending.
    counts
        Shape ``(codes, 2 * len(LEVELS))``: notes in which it was named, and those that had it, by level.
    """

    code: NDArray[np.int64]
    counts: NDArray[np.float32]

    @classmethod
    def count(
        cls,
        key: NDArray[np.int64],
        support: NDArray[np.float32],
        note_of: NDArray[np.int64],
        note_keys: NDArray[np.int64],
        table: CodeTable,
    ) -> Self:
        """Count the named codes of some notes; what is negated names nothing.

        Parameters
        ----------
        key, support
            Supports of the notes, as in a ``Batch``.
        note_of
            Note of each sentence.
        note_keys
            ``note * len(table) + code`` of the gold codes.
        """
        size = len(table)
        named = note_of[key // size] * size + key % size
        columns: list[NDArray[np.int64]] = []
        for level in LEVELS:
            chosen = np.unique(named[(support[:, _NEGATED] == 0) & (support[:, _SCORE] >= level)])
            right = chosen[np.isin(chosen, note_keys)]
            columns += [np.bincount(chosen % size, minlength=size), np.bincount(right % size, minlength=size)]
        code = np.flatnonzero(columns[0])
        return cls(code, np.stack([column[code] for column in columns], axis=1).astype(np.float32))

    def features(self, table: CodeTable) -> NDArray[np.float32]:
        """Features of all codes of a table, shape ``(codes, len(HABIT_NAMES))``."""
        full = np.zeros((len(table), 2 * len(LEVELS)))
        full[self.code] = self.counts
        category = table.category
        out: list[NDArray[np.float64]] = []
        for level in range(len(LEVELS)):
            named, right = full[:, 2 * level], full[:, 2 * level + 1]
            beside = np.bincount(category, named)[category] - named
            right_beside = np.bincount(category, right)[category] - right
            out += [
                named,
                right,
                (right + _PRIOR) / (named + 1.0),
                (right_beside + _PRIOR) / (beside + 1.0),
                beside,
            ]
        return np.stack(out, axis=1).astype(np.float32)

    def to_arrays(self, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        """Named arrays to store; ``names`` are those of the codes."""
        return {"habits.names": np.array(names, dtype="S24"), "habits.counts": self.counts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> tuple[Self, tuple[str, ...]]:
        """Habits and the names of their codes, which are numbered from 0 until they are bound to a table."""
        names = tuple(name.decode() for name in arrays["habits.names"].tolist())
        return cls(np.arange(len(names)), arrays["habits.counts"]), names

    def renumbered(self, numbers: list[int | None]) -> Self:
        """With other numbers, in their order; those without one are left out."""
        known = np.array([number is not None for number in numbers], dtype=np.bool_)
        code = np.array([number for number in numbers if number is not None], dtype=np.int64)
        order = np.argsort(code, kind="stable")
        return type(self)(code[order], self.counts[known][order])


def mention_features(
    phrases: Associations,
    *,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    span: NDArray[np.int32],
    sentence: NDArray[np.int64],
    words: NDArray[np.int64],
) -> NDArray[np.float32]:
    """What is known of the phrases inside the words of supports, shape ``(supports, len(MENTION_NAMES))``.

    Parameters
    ----------
    phrases
        Associations with codes.
    row, column, span
        Sentence (ascending), column (below 0 unknown) and tokens of each phrase, as in a ``Batch``.
    sentence, words
        Sentence, and first and last token, of each support. The tokens are below 0 where there is no
        support; such rows are NaN.
    """
    out = np.full((len(sentence), len(MENTION_NAMES)), np.nan, dtype=np.float32)
    some = np.flatnonzero(words[:, 0] >= 0)
    if not len(some):
        return out
    mentions = np.column_stack([sentence[some], words[some]])
    unique, which = np.unique(mentions, axis=0, return_inverse=True)
    values = np.concatenate(
        [
            _of_mentions(phrases, row, column, span, unique[begin : begin + _RUN])
            for begin in range(0, len(unique), _RUN)
        ]
    )
    out[some] = values[np.ravel(which)]
    return out


def _of_mentions(
    phrases: Associations,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    span: NDArray[np.int32],
    mentions: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Features of mentions, given as sentence, first and last token; a run of them, to keep memory small."""
    begin = np.searchsorted(row, mentions[:, 0])
    length = np.searchsorted(row, mentions[:, 0], side="right") - begin
    ends = np.cumsum(length)
    entry = np.repeat(begin - ends + length, length) + np.arange(ends[-1])
    owner = np.repeat(np.arange(len(mentions)), length)
    inside = (span[entry, 0] >= mentions[owner, 1]) & (span[entry, 1] <= mentions[owner, 2])
    entry, owner = entry[inside], owner[inside]
    out = np.full((len(mentions), len(MENTION_NAMES)), np.nan)
    if not len(entry):
        return out
    at = column[entry]
    known = at >= 0
    known[known] = phrases.remembers(at[known])
    count = np.where(known, phrases.count[at], 0.0)
    weight = 1.0 / (count + 1.0)
    credit = np.where(known, phrases.credit_sum[at], 0.0) * weight
    one = np.where(known, phrases.credit_most[at], 0.0) * weight
    coded = (np.where(known, phrases.coded[at], 0.0) + _PRIOR_CODED) * weight
    several = np.where(known & np.isin(phrases.kind[at], _SEVERAL_WORDS), count, 0.0)
    start = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    out[owner[start]] = np.stack(
        [
            np.minimum.reduceat(count, start),
            np.maximum.reduceat(credit, start),
            np.add.reduceat(credit, start),
            np.maximum.reduceat(one, start),
            np.add.reduceat(weight * coded, start) / np.add.reduceat(weight, start),
            np.maximum.reduceat(coded, start),
            np.minimum.reduceat(coded, start),
            np.maximum.reduceat(several, start),
        ],
        axis=1,
    )
    return out
