"""Learning: from views and gold to what a site teaches, everything scored out of fold.

Notes are put in the order of a hash of their ids, so that neither the order of a file nor a random number
matters. Associations are counted on all folds of the notes but one and scored on that, for each in turn; the
two ensembles are fitted on those scores, and calibrated on what they say of notes they were not fitted on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from suggester.errors import ModelError
from suggester.ranking.learning.above import LEAST_SHARE, MOST_LEVELS
from suggester.ranking.learning.associations import Associations
from suggester.ranking.learning.figures import Ranked
from suggester.ranking.learning.habits import Habits
from suggester.ranking.learning.learned import Counts, Learned, calibrated, chance
from suggester.ranking.learning.notes import note_codes
from suggester.ranking.learning.pairs import Batch, Pairs, batch_of
from suggester.ranking.learning.views import CodeTable, NoteGold, NoteView
from suggester.ranking.model import Calibration
from suggester.ranking.training import calibrate, classifier
from suggester.ranking.trees import TreeEnsemble

FOLDS, FOLDS_OF_MANY = 16, 8
"""Folds that associations are counted without; up to ``MOST_FITTED`` notes have more, so that the counts that
are learned from are nearly those of all notes. Both are multiples of ``GROUPS``."""

GROUPS = 4
FEWEST = 16
"""Fewest notes that can be learned from."""

MOST_FITTED = 1000
"""The ensembles are fitted on at most so many notes; associations are counted on all."""

MOST_WRONG = 150_000
"""Most pairs with a wrong code that stage one is fitted on, spread evenly and weighed up to all of them."""

PLACED_SHARE = 0.5
"""Share of gold codes with evidence from which sentences are counted, not whole notes."""

STAGE_ONE: dict[str, Any] = {
    "max_iter": 400,
    "learning_rate": 0.03,
    "max_leaf_nodes": 24,
    "min_samples_leaf": 60,
    "max_features": 0.1,
}
STAGE_TWO: dict[str, Any] = {
    "max_iter": 400,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "max_features": 0.1,
    "l2_regularization": 5.0,
}
"""Each split looks at a part of the columns, drawn with a fixed seed: many columns count the same things, and
the trees that see them all fit the counts of single codes."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Example:
    """One coded note: its id, what learning keeps of it, and its codes."""

    id: str
    view: NoteView
    gold: NoteGold


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, and what it says out of fold of the notes it was fitted on."""

    learned: Learned
    out_of_fold: list[Ranked]
    out_of_fold_billable: list[Ranked]
    unit: str


def in_order(examples: Sequence[Example]) -> list[Example]:
    """Examples in the order of a hash of their ids."""
    return sorted(examples, key=lambda e: (hashlib.sha256(e.id.encode()).digest(), e.id))


def fit(examples: Sequence[Example], table: CodeTable, *, progress: Progress = lambda _: None) -> Fitted:
    """Learn from coded notes.

    Raises
    ------
    ModelError
        If there are too few notes, or no code of theirs is in the releases.
    """
    if len(examples) < FEWEST:
        raise ModelError(f"{len(examples)} coded notes; learning needs at least {FEWEST}")
    corpus = _Corpus(in_order(examples), table)
    with threadpool_limits(limits=1):
        return _fit(corpus, table, progress)


def _fit(corpus: _Corpus, table: CodeTable, progress: Progress) -> Fitted:
    number = np.arange(corpus.batch.notes)
    fitted = number < MOST_FITTED
    group = number % GROUPS
    parts: list[tuple[Pairs, NDArray[np.bool_]]] = []
    folds = FOLDS if corpus.batch.notes <= MOST_FITTED else FOLDS_OF_MANY
    for held in range(folds):
        chosen = number % folds == held
        scored = corpus.count(~chosen).pairs(corpus.batch.of_notes(chosen & fitted, len(table)), table)
        parts.append((scored, corpus.is_right(scored)))
        progress(f"fold {held + 1} of {folds}: {len(scored)} pairs")
    pairs, right = _concatenate(parts)
    if not right.any():
        raise ModelError("no code of the notes is among the candidates; are the codes of this release?")
    first, out = _cross_fit(pairs.features, right, group[corpus.batch.note_of[pairs.sentence]], STAGE_ONE)
    progress("stage one fitted")
    found = note_codes(corpus.batch, pairs, 1.0 / (1.0 + np.exp(-out)), table)
    correct = np.isin(found.note * len(table) + found.code, corpus.note_keys)
    second, raw = _cross_fit(found.features, correct, group[found.note], STAGE_TWO)
    progress("stage two fitted")
    calibration = calibrate(raw, correct, np.ones(len(raw)))
    probability = calibrated(calibration, raw)
    billable = table.billable[found.code]
    gold = corpus.gold_sizes[fitted]
    return Fitted(
        learned=_learned(corpus, table, first, second, calibration),
        out_of_fold=ranked(found.note, probability, correct, gold),
        out_of_fold_billable=ranked(found.note[billable], probability[billable], correct[billable], gold),
        unit=corpus.unit,
    )


def recount(
    fitted: Fitted, examples: Sequence[Example], table: CodeTable, *, progress: Progress = lambda _: None
) -> Fitted:
    """What was learned, with phrases counted on other (more) notes; ensembles and figures stay."""
    corpus = _Corpus(in_order(examples), table)
    old = fitted.learned
    progress(f"counted on {len(examples)} notes")
    return replace(fitted, learned=_learned(corpus, table, old.stage_one, old.stage_two, old.calibration))


def _learned(
    corpus: _Corpus, table: CodeTable, first: TreeEnsemble, second: TreeEnsemble, calibration: Calibration
) -> Learned:
    """Counts over all notes, with the ensembles that read them."""
    everything = np.ones(corpus.batch.notes, dtype=np.bool_)
    counts, habits = corpus.count(everything), corpus.habits(everything)
    codes, stay = counts.codes.compact()
    return Learned(
        vocabulary=corpus.vocabulary[stay],
        codes=codes,
        code_names=tuple(_name(table, number) for number in counts.code_labels.tolist()),
        categories=counts.categories.columns(stay),
        category_names=tuple(table.categories[number] for number in counts.category_labels.tolist()),
        habits=habits,
        habit_names=tuple(_name(table, number) for number in habits.code.tolist()),
        stage_one=first,
        stage_two=second,
        calibration=calibration,
        levels=corpus.levels,
    )


def ranked(
    note: NDArray[np.int64],
    probability: NDArray[np.float64],
    right: NDArray[np.bool_],
    gold: NDArray[np.int64],
) -> list[Ranked]:
    """Codes by note (ascending), as figures take them; ``gold`` counts the gold codes of each note."""
    bounds = np.searchsorted(note, np.arange(len(gold) + 1))
    return [
        Ranked(probability[a:b], right[a:b], int(n))
        for a, b, n in zip(bounds[:-1].tolist(), bounds[1:].tolist(), gold.tolist(), strict=True)
    ]


def _name(table: CodeTable, number: int) -> str:
    system, _ = table.place(number)
    return f"{system}:{table.codes[number]}"


def _cross_fit(
    features: NDArray[np.float32], right: NDArray[np.bool_], group: NDArray[np.int64], options: dict[str, Any]
) -> tuple[TreeEnsemble, NDArray[np.float64]]:
    """An ensemble fitted on everything, and raw scores from ensembles that did not see the row's group."""
    raw = np.zeros(len(right))
    for number in range(GROUPS):
        held = group == number
        if not held.any():
            continue
        if len(np.unique(right[~held])) < 2:
            raise ModelError("too few right codes among the candidates to learn from; add coded notes")
        raw[held] = _raw(_ensemble(features[~held], right[~held], options), features[held])
    return _ensemble(features, right, options), raw


def _ensemble(
    features: NDArray[np.float32], right: NDArray[np.bool_], options: dict[str, Any]
) -> TreeEnsemble:
    """An ensemble fitted on what is right and at most ``MOST_WRONG`` of what is wrong."""
    wrong = np.flatnonzero(~right)
    step = max(1.0, len(wrong) / MOST_WRONG)
    some = wrong[np.arange(0, len(wrong), step).astype(np.int64)]
    chosen = np.sort(np.concatenate([np.flatnonzero(right), some]))
    weight = np.where(right[chosen], 1.0, len(wrong) / max(len(some), 1))
    estimator = classifier(**options).fit(features[chosen], right[chosen], sample_weight=weight)
    return TreeEnsemble.from_estimator(estimator)


def _raw(model: TreeEnsemble, features: NDArray[np.float32]) -> NDArray[np.float64]:
    p = np.clip(chance(model, features), 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p / (1 - p)))


def _concatenate(parts: list[tuple[Pairs, NDArray[np.bool_]]]) -> tuple[Pairs, NDArray[np.bool_]]:
    return (
        Pairs(
            sentence=np.concatenate([p.sentence for p, _ in parts]),
            code=np.concatenate([p.code for p, _ in parts]),
            features=np.concatenate([p.features for p, _ in parts]),
            phrase=np.concatenate([p.phrase for p, _ in parts]),
            span=np.concatenate([p.span for p, _ in parts]),
        ),
        np.concatenate([right for _, right in parts]),
    )


class _Corpus:
    """All notes in flat arrays, with the labels of their sentences."""

    def __init__(self, examples: list[Example], table: CodeTable) -> None:
        self._table = table
        size = len(table)
        keys = np.concatenate([e.view.phrases.key for e in examples])
        kinds = np.concatenate([e.view.phrases.kind for e in examples])
        self.vocabulary, where = np.unique(keys, return_index=True)
        self.kind = kinds[where]
        self.note_keys = np.concatenate([e.gold.codes + i * size for i, e in enumerate(examples)])
        coarse = np.count_nonzero(~table.billable[self.note_keys % size])
        self.levels = MOST_LEVELS if coarse > LEAST_SHARE * len(self.note_keys) else 0
        self.batch: Batch = batch_of([e.view for e in examples], self.vocabulary, table, levels=self.levels)
        self.gold_sizes = np.array([len(e.gold.codes) + e.gold.unknown for e in examples], dtype=np.int64)
        sizes = np.array([e.view.sentences for e in examples], dtype=np.int64)
        offset = np.concatenate(([0], np.cumsum(sizes)))
        placed = sum(len(e.gold.codes) - len(e.gold.unplaced) for e in examples)
        self.unit = "sentence" if placed >= PLACED_SHARE * max(1, len(self.note_keys)) else "note"
        self._sentence_keys = np.unique(
            np.concatenate(
                [
                    np.concatenate([e.gold.key, _placed(e, table)]) + offset[i] * size
                    for i, e in enumerate(examples)
                ]
            )
        )
        self._labels = np.unique(self.note_keys % size)
        self._category_labels = np.unique(table.category[self._labels])
        self._phrases, self._codes = self._matrices()

    def _matrices(self) -> tuple[csr_matrix, csr_matrix]:
        """Units by phrases and units by codes; a unit is a sentence or a whole note."""
        batch, size = self.batch, len(self._table)
        if self.unit == "sentence":
            rows, units, keys = batch.row, batch.sentences, self._sentence_keys
            self._note_of_unit = batch.note_of
        else:
            rows, units, keys = batch.note_of[batch.row], batch.notes, self.note_keys
            self._note_of_unit = np.arange(batch.notes)
        shape = (units, len(self.vocabulary))
        phrases = _ones(rows, batch.column, shape)
        codes = _ones(keys // size, np.searchsorted(self._labels, keys % size), (units, len(self._labels)))
        return phrases, codes

    def count(self, chosen: NDArray[np.bool_]) -> Counts:
        """Associations over some notes."""
        units = np.flatnonzero(chosen[self._note_of_unit])
        phrases, codes = self._phrases[units], self._codes[units]
        size = len(self._table)
        noted = self.note_keys[chosen[self.note_keys // size]]
        notes = int(chosen.sum())
        label_notes = np.bincount(np.searchsorted(self._labels, noted % size), minlength=len(self._labels))
        above = np.searchsorted(self._category_labels, self._table.category[self._labels])
        member = csr_matrix(
            (np.ones(len(above), dtype=np.float32), (np.arange(len(above)), above)),
            shape=(len(above), len(self._category_labels)),
        )
        categories = (codes @ member).tocsr()
        categories.data[:] = 1.0
        category_notes = np.unique((noted // size) * (1 << 32) + self._table.category[noted % size])
        category_count = np.bincount(
            np.searchsorted(self._category_labels, category_notes % (1 << 32)),
            minlength=len(self._category_labels),
        )
        return Counts(
            codes=Associations.fit(
                phrases, codes, label_notes.astype(np.float32), kind=self.kind, notes=notes
            ),
            code_labels=self._labels,
            categories=Associations.fit(
                phrases, categories, category_count.astype(np.float32), kind=self.kind, notes=notes
            ),
            category_labels=self._category_labels,
            standing=self.habits(chosen).features(self._table),
        )

    def habits(self, chosen: NDArray[np.bool_]) -> Habits:
        """How often the finder named codes in some notes, and was right."""
        batch, size = self.batch, len(self._table)
        here = chosen[batch.note_of[batch.key // size]]
        noted = self.note_keys[chosen[self.note_keys // size]]
        return Habits.count(batch.key[here], batch.support[here], batch.note_of, noted, self._table)

    def is_right(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Whether each pair's code is gold in its sentence, or in its note where sentences are not known."""
        size = len(self._table)
        if self.unit == "sentence":
            return np.isin(pairs.sentence * size + pairs.code, self._sentence_keys)
        return np.isin(self.batch.note_of[pairs.sentence] * size + pairs.code, self.note_keys)


def _placed(example: Example, table: CodeTable) -> NDArray[np.int64]:
    """Sentences for codes without evidence: those where a candidate names the code, else its category."""
    out: list[NDArray[np.int64]] = []
    view, size = example.view, len(table)
    codes = view.support_key % size
    sure = view.support[:, 10] == 0 if len(view.support) else np.zeros(0, dtype=np.bool_)
    for number in example.gold.unplaced.tolist():
        named = view.support_key[(codes == number) & sure]
        if not len(named):
            near = (table.category[codes] == table.category[number]) & sure
            named = view.support_key[near] // size * size + number
        out.append(named)
    return np.concatenate(out) if out else np.zeros(0, dtype=np.int64)


def _ones(row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]) -> csr_matrix:
    """A sparse matrix of ones; a place named twice stays one."""
    matrix = csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
