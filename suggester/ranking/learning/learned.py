"""What was learned at a site, as plain arrays: associations, two ensembles, a calibration. Text-free.

Codes are stored by name, so that a model survives a new release; phrases are stored as hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suggester.ranking.learning.associations import Associations
from suggester.ranking.learning.habits import Habits
from suggester.ranking.learning.notes import NoteCodes, note_codes
from suggester.ranking.learning.pairs import Batch, Pairs, pairs_of
from suggester.ranking.learning.views import CodeTable
from suggester.ranking.model import Calibration
from suggester.ranking.trees import TreeEnsemble
from suggester.types import SYSTEMS, System


@dataclass(frozen=True, slots=True)
class Counts:
    """Associations with codes and with their categories, labels as numbers of one code table.

    ``standing`` holds the features that habits give each code of the table (``HABIT_NAMES``).
    """

    codes: Associations
    code_labels: NDArray[np.int64]
    categories: Associations
    category_labels: NDArray[np.int64]
    standing: NDArray[np.float32]

    def pairs(self, batch: Batch, table: CodeTable) -> Pairs:
        """Pairs of a batch with their features."""
        return pairs_of(
            batch,
            table,
            codes=self.codes,
            code_labels=self.code_labels,
            categories=self.categories,
            category_labels=self.category_labels,
            standing=self.standing,
        )


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything that was learned.

    Attributes
    ----------
    vocabulary
        Phrase keys, ascending; the columns of the associations.
    codes, categories
        Associations with codes and with categories.
    code_names, category_names
        ``system:code`` of each label; system number and first three characters of each category label.
    habits, habit_names
        How often codes were named and right, and ``system:code`` of each (its own numbers mean nothing).
    stage_one, stage_two
        The ensembles.
    calibration
        From raw scores of stage two to probabilities.
    levels
        Levels to climb above the codes that the finder names (``above``).
    """

    vocabulary: NDArray[np.uint64]
    codes: Associations
    code_names: tuple[str, ...]
    categories: Associations
    category_names: tuple[str, ...]
    habits: Habits
    habit_names: tuple[str, ...]
    stage_one: TreeEnsemble
    stage_two: TreeEnsemble
    calibration: Calibration
    levels: int

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays to store."""
        return {
            "vocabulary": self.vocabulary,
            **self.codes.to_arrays("codes"),
            "code_names": np.array(self.code_names, dtype="S24"),
            **self.categories.to_arrays("categories"),
            "category_names": np.array(self.category_names, dtype="S8"),
            **self.habits.to_arrays(self.habit_names),
            **self.stage_one.to_arrays("stage_one"),
            **self.stage_two.to_arrays("stage_two"),
            "calibration.raw": self.calibration.raw,
            "calibration.probability": self.calibration.probability,
            "levels": np.array([self.levels]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """From stored arrays."""
        habits, habit_names = Habits.from_arrays(arrays)
        return cls(
            vocabulary=arrays["vocabulary"],
            codes=Associations.from_arrays(arrays, "codes"),
            code_names=tuple(name.decode() for name in arrays["code_names"].tolist()),
            categories=Associations.from_arrays(arrays, "categories"),
            category_names=tuple(name.decode() for name in arrays["category_names"].tolist()),
            habits=habits,
            habit_names=habit_names,
            stage_one=TreeEnsemble.from_arrays(arrays, "stage_one"),
            stage_two=TreeEnsemble.from_arrays(arrays, "stage_two"),
            calibration=Calibration(arrays["calibration.raw"], arrays["calibration.probability"]),
            levels=int(arrays["levels"][0]),
        )

    def bind(self, table: CodeTable) -> Counts:
        """The associations under a code table; labels that its releases do not have are left out."""
        numbers = _numbers(self.code_names, table)
        places = {name: number for number, name in enumerate(table.categories)}
        above = [places.get(name) for name in self.category_names]
        codes, code_labels = _only(self.codes, numbers)
        categories, category_labels = _only(self.categories, above)
        habits = self.habits.renumbered(_numbers(self.habit_names, table))
        return Counts(codes, code_labels, categories, category_labels, habits.features(table))


def _numbers(names: tuple[str, ...], table: CodeTable) -> list[int | None]:
    """Number of each ``system:code``, None where the releases do not have it."""
    parts = (name.partition(":") for name in names)
    return [table.number(_system(system), code) for system, _, code in parts]


def _system(name: str) -> System:
    return SYSTEMS[[*SYSTEMS].index(name)]  # type: ignore[arg-type]


def _only(associations: Associations, numbers: list[int | None]) -> tuple[Associations, NDArray[np.int64]]:
    """Associations with the labels that have a number, in their order."""
    known = np.array([number is not None for number in numbers], dtype=np.bool_)
    labels = np.array([number for number in numbers if number is not None], dtype=np.int64)
    if known.all():
        return associations, labels
    renumbered = np.cumsum(known) - 1
    owner = np.repeat(np.arange(len(associations.count)), np.diff(associations.pointer))
    keep = known[associations.label]
    pointer = np.zeros(len(associations.count) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[keep], minlength=len(associations.count)), out=pointer[1:])
    return (
        Associations(
            count=associations.count,
            kind=associations.kind,
            pointer=pointer,
            label=renumbered[associations.label[keep]].astype(np.int32),
            together=associations.together[keep],
            credit=associations.credit[keep],
            coded=associations.coded,
            credit_sum=associations.credit_sum,
            credit_most=associations.credit_most,
            label_rows=associations.label_rows[known],
            label_notes=associations.label_notes[known],
            rows=associations.rows,
            notes=associations.notes,
        ),
        labels,
    )


def score(
    batch: Batch, counts: Counts, stage_one: TreeEnsemble, stage_two: TreeEnsemble, table: CodeTable
) -> tuple[Pairs, NoteCodes, NDArray[np.float64]]:
    """Pairs, codes of the notes, and the raw score of each code."""
    pairs = counts.pairs(batch, table)
    found = note_codes(batch, pairs, chance(stage_one, pairs.features), table)
    return pairs, found, stage_two.predict(found.features)


def chance(ensemble: TreeEnsemble, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability that an ensemble gives, in runs so that memory stays small."""
    step = 50_000
    raw = [ensemble.predict(features[i : i + step]) for i in range(0, len(features), step)]
    return np.asarray(1.0 / (1.0 + np.exp(-np.concatenate(raw)))) if raw else np.zeros(0)


def calibrated(calibration: Calibration, raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, with a trace of the raw score that keeps the order inside flat steps."""
    return np.clip(calibration.apply(raw) + 1e-6 * np.tanh(raw / 4), 0.0, 1.0)
