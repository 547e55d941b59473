"""Stage two: a code in a note. Its best sentences, its rivals, and the company it keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.ranking.describing import COLUMNS as GENERAL
from suggester.ranking.learning.above import ABOVE_NAMES
from suggester.ranking.learning.associations import find, rank_within
from suggester.ranking.learning.habits import HABIT_NAMES, MENTION_NAMES
from suggester.ranking.learning.pairs import NAMES as STAGE_ONE
from suggester.ranking.learning.pairs import Batch, Pairs
from suggester.ranking.learning.titles import TITLE_NAMES
from suggester.ranking.learning.views import CodeTable

MOST = 120
"""Codes of a note that are weighed in stage two; the rest is left out."""

_SURE = 0.995
_HIGHEST = (
    "share",
    "share_sum",
    "share_any",
    "most_together",
    "surprise",
    "credit",
    "credit_sum",
    "category_credit",
)
_SUMMED = ("credit_sum", "share_sum")
_AT_BEST = (
    "share",
    "phrase_count",
    "phrase_kind",
    "match_match_score",
    "match_coverage",
    "match_source",
    "match_negated",
    "match_historical",
    "note_match_score",
    *ABOVE_NAMES,
    "code_notes",
    "code_length",
    "chapter",
    "billable",
    "category_notes",
    "sentence_position",
    *HABIT_NAMES,
    *MENTION_NAMES,
    *TITLE_NAMES,
)

NAMES: tuple[str, ...] = (
    "best",
    "second",
    "any",
    "above_tenth",
    "above_half",
    "sentences",
    *(f"highest_{name}" for name in _HIGHEST),
    *(f"sum_{name}" for name in _SUMMED),
    "rival",
    "words_rival",
    "category_gap",
    "category_rank",
    "note_rank",
    "note_expected",
    "chapter_expected",
    "note_best",
    "note_sentences",
    *_AT_BEST,
    *(f"general_{name}" for name in GENERAL),
)
"""Columns of stage two; what the general ranker looks at is NaN where the finder does not name the code."""

_COLUMN = {name: i for i, name in enumerate(STAGE_ONE)}


@dataclass(frozen=True, slots=True)
class NoteCodes:
    """Codes of notes with their features, ordered by note and code.

    ``pair`` is the best pair of the code in its note.
    """

    note: NDArray[np.int64]
    code: NDArray[np.int64]
    features: NDArray[np.float32]
    pair: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.note)


def note_codes(batch: Batch, pairs: Pairs, chance: NDArray[np.float64], table: CodeTable) -> NoteCodes:
    """Gather pairs by note and code.

    Parameters
    ----------
    chance
        Stage-one probability of each pair.
    """
    size = len(table)
    note = batch.note_of[pairs.sentence]
    key = note * size + pairs.code
    order = np.lexsort((pairs.sentence, -chance, key))
    sorted_key, p = key[order], chance[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = sorted_key[1:] != sorted_key[:-1]
    start = np.flatnonzero(new)
    if not len(start):
        none = np.zeros(0, dtype=np.int64)
        return NoteCodes(none, none, np.zeros((0, len(NAMES)), dtype=np.float32), none)
    count = np.diff(np.append(start, len(order)))
    best = p[start]
    second = np.where(count > 1, p[np.minimum(start + 1, len(p) - 1)], 0.0)
    any_ = -np.add.reduceat(np.log1p(-np.minimum(p, _SURE)), start)
    features = pairs.features[order]
    highest = np.maximum.reduceat(features[:, [_COLUMN[n] for n in _HIGHEST]], start)
    summed = np.add.reduceat(features[:, [_COLUMN[n] for n in _SUMMED]], start)
    rival = _rival(chance, pairs.sentence)[order][start]
    note, code = sorted_key[start] // size, sorted_key[start] % size
    group = note * np.int64(len(table.categories)) + table.category[code]
    category_rank, category_best = rank_within(best, group)
    note_rank, note_best = rank_within(best, note)
    chapters = note * np.int64(64) + table.chapter[code]
    values = np.column_stack(
        [
            best,
            second,
            any_,
            np.add.reduceat((p > 0.1).astype(np.float64), start),
            np.add.reduceat((p > 0.4).astype(np.float64), start),
            count,
            highest,
            summed,
            rival,
            _words_rival(chance, pairs)[order][start],
            best - category_best,
            category_rank,
            note_rank,
            np.bincount(note, best, minlength=batch.notes)[note],
            np.bincount(chapters, best)[chapters],
            note_best,
            np.bincount(batch.note_of, minlength=batch.notes)[note],
            features[start][:, [_COLUMN[n] for n in _AT_BEST]],
        ]
    ).astype(np.float32)
    keep = rank_within(any_, note)[0] < MOST
    full = np.hstack([values[keep], _general(batch, sorted_key[start][keep])])
    return NoteCodes(note[keep], code[keep], full, order[start][keep])


def _general(batch: Batch, key: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the general ranker looks at for each ``note * len(CodeTable) + code``; NaN without a candidate."""
    out = np.full((len(key), len(GENERAL)), np.nan, dtype=np.float32)
    at, has = find(batch.general_key, key)
    out[has] = batch.general[at[has]]
    return out


def _rival(chance: NDArray[np.float64], sentence: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability of the likeliest other code in the same sentence."""
    rank, best = rank_within(chance, sentence)
    runner_up = np.zeros(int(sentence.max()) + 1)
    np.maximum.at(runner_up, sentence[rank > 0], chance[rank > 0])
    return np.where(rank == 0, runner_up[sentence], best)


_NEAREST = 6


def _words_rival(chance: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """Probability of the likeliest other code that rests on some of the same words.

    Only the likeliest few codes of a sentence count as rivals.
    """
    rank, _ = rank_within(chance, pairs.sentence)
    out = np.zeros(len(chance))
    top = np.flatnonzero(rank < _NEAREST)
    by_place = np.full((int(pairs.sentence.max()) + 1, _NEAREST), -1, dtype=np.int64)
    by_place[pairs.sentence[top], rank[top]] = top
    for place in range(_NEAREST):
        other = by_place[pairs.sentence, place]
        overlap = (
            (other >= 0)
            & (other != np.arange(len(chance)))
            & (pairs.span[other, 0] <= pairs.span[:, 1])
            & (pairs.span[:, 0] <= pairs.span[other, 1])
        )
        out = np.where(overlap, np.maximum(out, chance[other]), out)
    return out
