"""Stage one: a code in a sentence. Which codes to weigh there, and what is known of each.

A pair comes from phrases that were seen with the code at this site, or from a candidate of the general
finder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggester.ranking.learning.above import ABOVE_NAMES, climb
from suggester.ranking.learning.associations import PAIR_NAMES, Associations, Found, find, rank_within
from suggester.ranking.learning.habits import HABIT_NAMES, MENTION_NAMES, mention_features
from suggester.ranking.learning.phrases import Phrases
from suggester.ranking.learning.titles import TITLE_NAMES, title_features
from suggester.ranking.learning.views import SUPPORT_NAMES, CodeTable, NoteView

TOP = 15
"""Most codes a sentence gets from its phrases, by each of three orders."""

_CATEGORY_TOP = 60

NAMES: tuple[str, ...] = (
    *PAIR_NAMES,
    *(f"match_{name}" for name in SUPPORT_NAMES),
    *ABOVE_NAMES,
    "matched",
    "note_match_score",
    "code_notes",
    "billable",
    "code_length",
    "chapter",
    "sentence_phrases",
    "sentence_position",
    "share_rank",
    "share_ratio",
    "category_rank",
    "credit_ratio",
    "credit_rank",
    "pairs",
    "match_ratio",
    "category_share",
    "category_credit",
    "category_notes",
    *HABIT_NAMES,
    *MENTION_NAMES,
    *TITLE_NAMES,
)
"""Columns of stage one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Views of some notes in flat arrays, sentences numbered through.

    Attributes
    ----------
    note_of, place, words
        Of each sentence: its note, its place in the note from 0 to 1, and its number of phrases.
    row, column, span, negated
        Sentence, column in the vocabulary (-1 unknown), tokens and negation of each phrase.
    general_key, general
        ``note * len(CodeTable) + code`` of each candidate, ascending, and what the general ranker looks at.
    key, support, support_span
        Supports: ``sentence * len(CodeTable) + code``, ascending, their features and tokens.
    above, source
        Of each support how it was come by (``ABOVE_NAMES``), and its position among those of the views.
    phrases
        Of each note, as its view holds them.
    """

    notes: int
    note_of: NDArray[np.int64]
    place: NDArray[np.float32]
    words: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    span: NDArray[np.int32]
    negated: NDArray[np.bool_]
    key: NDArray[np.int64]
    support: NDArray[np.float32]
    support_span: NDArray[np.int32]
    above: NDArray[np.float32]
    source: NDArray[np.int64]
    general_key: NDArray[np.int64]
    general: NDArray[np.float16]
    phrases: tuple[Phrases, ...]

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        return len(self.note_of)

    def of_notes(self, chosen: NDArray[np.bool_], codes: int) -> Batch:
        """Only the phrases and supports of some notes; numbering and what the ranker looks at stay."""
        rows = chosen[self.note_of]
        phrase, support = rows[self.row], rows[self.key // codes]
        return Batch(
            notes=self.notes,
            note_of=self.note_of,
            place=self.place,
            words=self.words,
            row=self.row[phrase],
            column=self.column[phrase],
            span=self.span[phrase],
            negated=self.negated[phrase],
            key=self.key[support],
            support=self.support[support],
            support_span=self.support_span[support],
            above=self.above[support],
            source=self.source[support],
            general_key=self.general_key,
            general=self.general,
            phrases=self.phrases,
        )


def batch_of(
    views: Sequence[NoteView], vocabulary: NDArray[np.uint64], table: CodeTable, *, levels: int = 0
) -> Batch:
    """Lay out views.

    Parameters
    ----------
    vocabulary
        The known phrase keys, ascending.
    levels
        Levels to climb above the codes that are supported.
    """
    sizes = np.array([v.sentences for v in views], dtype=np.int64)
    offset = np.concatenate(([0], np.cumsum(sizes)))
    key = np.concatenate([v.phrases.key for v in views])
    row = np.concatenate([v.phrases.sentence + offset[i] for i, v in enumerate(views)]).astype(np.int64)
    at = np.minimum(np.searchsorted(vocabulary, key), max(len(vocabulary) - 1, 0))
    known = vocabulary[at] == key if len(vocabulary) else np.zeros(len(key), dtype=np.bool_)
    support = np.concatenate([v.support for v in views])
    support_key = np.concatenate([v.support_key + offset[i] * len(table) for i, v in enumerate(views)])
    climbed = climb(support_key, support[:, 0], table, levels)
    return Batch(
        notes=len(views),
        note_of=np.repeat(np.arange(len(views)), sizes),
        place=np.concatenate([np.arange(n) / max(n, 1) for n in sizes.tolist()]).astype(np.float32),
        words=np.bincount(row, minlength=int(offset[-1])),
        row=row,
        column=np.where(known, at, -1).astype(np.int64),
        span=np.concatenate([np.stack([v.phrases.first, v.phrases.final], axis=1) for v in views]),
        negated=np.concatenate([v.phrases.negated for v in views]),
        key=climbed.key,
        support=support[climbed.source],
        support_span=np.concatenate([v.support_span for v in views])[climbed.source],
        above=climbed.values,
        source=climbed.source,
        general_key=np.concatenate([v.general_code + i * len(table) for i, v in enumerate(views)]),
        general=np.concatenate([v.general for v in views]),
        phrases=tuple(v.phrases for v in views),
    )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of sentence and code with their features, ordered by sentence and code.

    ``phrase`` is the position in the batch of the phrase that speaks loudest, -1 where none does; ``span`` is
    its tokens, or those of the support where there is no phrase.
    """

    sentence: NDArray[np.int64]
    code: NDArray[np.int64]
    features: NDArray[np.float32]
    phrase: NDArray[np.int64]
    span: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.sentence)


def pairs_of(
    batch: Batch,
    table: CodeTable,
    *,
    codes: Associations,
    code_labels: NDArray[np.int64],
    categories: Associations,
    category_labels: NDArray[np.int64],
    standing: NDArray[np.float32],
) -> Pairs:
    """Pairs of a batch.

    Parameters
    ----------
    codes, categories
        Associations of phrases with codes and with categories.
    code_labels, category_labels
        Code number of each label of ``codes``; category number of each label of ``categories``.
    standing
        What habits say of each code of the table, columns ``HABIT_NAMES``.
    """
    found = codes.look_up(batch.row, batch.column, batch.negated, top=TOP)
    size = len(table)
    learned = found.row * size + code_labels[found.label]
    order = np.argsort(learned, kind="stable")
    key = np.union1d(learned, batch.key)
    at, has = find(learned[order], key)
    source = order[at] if len(order) else at
    known = (
        np.where(has[:, None], found.values[source], np.float32(0)) if len(order) else _zeros(key, PAIR_NAMES)
    )
    phrase = np.where(has, found.best[source], -1) if len(order) else np.full(len(key), -1)
    at, matched = find(batch.key, key)
    span = np.zeros((len(key), 2), dtype=np.int32)
    span[matched] = batch.support_span[at[matched]]
    mentions = mention_features(
        codes,
        row=batch.row,
        column=batch.column,
        span=batch.span,
        sentence=key // size,
        words=np.where(matched[:, None], span, -1),
    )
    span[phrase >= 0] = batch.span[phrase[phrase >= 0]]
    support = (
        np.where(matched[:, None], batch.support[at], np.float32(0))
        if len(batch.key)
        else _zeros(key, SUPPORT_NAMES)
    )
    above = (
        np.where(matched[:, None], batch.above[at], np.float32(0))
        if len(batch.key)
        else _zeros(key, ABOVE_NAMES)
    )
    sentence, code = key // size, key % size
    note = batch.note_of[sentence]
    category = table.category[code]
    category_notes = np.zeros(len(table.categories), dtype=np.float32)
    category_notes[category_labels] = categories.label_notes
    code_notes = np.zeros(size, dtype=np.float32)
    code_notes[code_labels] = codes.label_notes
    share, credit, score = known[:, 0], known[:, PAIR_NAMES.index("credit_sum")], support[:, 0]
    share_rank, best_share = rank_within(share, sentence)
    category_rank, _ = rank_within(share, sentence * len(table.categories) + category)
    credit_rank, best_credit = rank_within(credit, sentence)
    _, best_score = rank_within(score, sentence)
    _, note_score = rank_within(score, note * size + code)
    of_categories = categories.look_up(batch.row, batch.column, batch.negated, top=_CATEGORY_TOP)
    category_share, category_credit = _of_category(
        of_categories, category_labels, sentence, category, len(table.categories)
    )
    features = np.column_stack(
        [
            known,
            support,
            above,
            matched,
            note_score,
            code_notes[code],
            table.billable[code],
            table.length[code],
            table.chapter[code],
            batch.words[sentence],
            batch.place[sentence],
            np.minimum(share_rank, 30),
            share / (best_share + 1e-6),
            np.minimum(category_rank, 20),
            credit / (best_credit + 1e-6),
            np.minimum(credit_rank, 30),
            np.bincount(sentence, minlength=batch.sentences)[sentence],
            score / (best_score + 1e-6),
            category_share,
            category_credit,
            category_notes[category],
            standing[code],
            mentions,
            _titles(batch, table, sentence, code, span),
        ]
    ).astype(np.float32)
    return Pairs(sentence, code, features, phrase.astype(np.int64), span)


def _titles(
    batch: Batch,
    table: CodeTable,
    sentence: NDArray[np.int64],
    code: NDArray[np.int64],
    span: NDArray[np.int32],
) -> NDArray[np.float32]:
    """What the titles of pairs say, note by note; pairs are in order of sentence."""
    out = np.zeros((len(sentence), len(TITLE_NAMES)), dtype=np.float32)
    opening = np.searchsorted(batch.note_of, np.arange(batch.notes))
    bounds = np.searchsorted(sentence, np.append(opening, batch.sentences))
    for note in np.flatnonzero(np.diff(bounds)).tolist():
        here = slice(int(bounds[note]), int(bounds[note + 1]))
        codes, which = np.unique(code[here], return_inverse=True)
        out[here] = title_features(
            [table.titles.of(*table.place(number)) for number in codes.tolist()],
            which,
            sentence[here] - opening[note],
            span[here],
            batch.phrases[note],
        )
    return out


def _zeros(key: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.float32]:
    return np.zeros((len(key), len(names)), dtype=np.float32)


def _of_category(
    found: Found,
    labels: NDArray[np.int64],
    sentence: NDArray[np.int64],
    category: NDArray[np.int64],
    categories: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share and credit of each pair's category in its sentence."""
    keys = found.row * categories + labels[found.label]
    order = np.argsort(keys, kind="stable")
    at, has = find(keys[order], sentence * categories + category)
    if not len(keys):
        none = np.zeros(len(sentence), dtype=np.float32)
        return none, none
    values = found.values[order][at]
    credit = values[:, PAIR_NAMES.index("credit_sum")]
    return np.where(has, values[:, 0], np.float32(0)), np.where(has, credit, np.float32(0))
