"""The figures by system, chapter, training frequency, note kind, setting and part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from suggester.evaluation.cases import Case, Expected, Suggested
from suggester.evaluation.figures import Figure, Floats, Resampling, Terms, figures_of
from suggester.evaluation.taxonomy import FREQUENCY_BANDS, canonical, chapter, frequency_band
from suggester.types import SYSTEMS, GoldNote

UNKNOWN = "not stated"

# Columns counted for each note and each value of a slice.
_NOTES, _RIGHT, _SUGGESTED, _GOLD, _LISTED, _CORE, _CORE_TEN, _CORE_CONFIDENT, _ACCEPTABLE = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One value of a grouping, with its figures. ``notes`` are those with a gold or confident code in it."""

    label: str
    notes: int
    figures: tuple[Figure, ...]


class Slicer:
    """Counts by the value that ``of_code`` gives a code, or ``of_note`` gives a note.

    Parameters
    ----------
    threshold
        Precision, recall and F1 are of the suggestions with at least this confidence.
    of_note
        The value of a whole note; None if the grouping is of codes.
    of_code
        The value of a gold or suggested code; None if the grouping is of notes.
    order
        Values that are listed first, in this order, even if nothing falls into them. The rest follow sorted.
    """

    def __init__(
        self,
        *,
        threshold: float,
        of_note: Callable[[Case], str] | None = None,
        of_code: Callable[[Expected | Suggested], str] | None = None,
        order: Iterable[str] = (),
    ) -> None:
        if (of_note is None) == (of_code is None):
            raise ValueError("give exactly one of of_note and of_code")
        self.threshold = threshold
        self._of_note = of_note
        self._of_code = of_code
        self._order = tuple(order)
        self._rows: list[dict[str, Floats]] = []

    def update(self, item: Case) -> Slicer:
        """Count one note."""
        row: dict[str, Floats] = {}
        note_value = None if self._of_note is None else self._of_note(item)
        if note_value is not None:
            row[note_value] = np.zeros(9)
            row[note_value][_NOTES] = 1
        listed = {one.key for one in item.suggested}
        for gold in item.expected:
            counts = row.setdefault(self._value(note_value, gold), np.zeros(9))
            counts[_NOTES] = 1
            counts[_GOLD] += 1
            counts[_LISTED] += gold.key in listed
            if gold.core:
                counts[_CORE] += 1
                counts[_CORE_TEN] += gold.rank is not None and gold.rank <= 10
                counts[_CORE_CONFIDENT] += gold.found_at(self.threshold)
        for one in item.suggested:
            if one.confidence >= self.threshold:
                counts = row.setdefault(self._value(note_value, one), np.zeros(9))
                counts[_NOTES] = 1
                counts[_SUGGESTED] += 1
                counts[_RIGHT] += one.exact
                counts[_ACCEPTABLE] += one.right
        self._rows.append(row)
        return self

    def reset(self) -> None:
        """Forget every note."""
        self._rows.clear()

    def compute(self, resampling: Resampling | None = None) -> tuple[Slice, ...]:
        """A slice for each value, with intervals where a resampling is given."""
        seen = {value for row in self._rows for value in row}
        values = [*self._order, *sorted(seen.difference(self._order))]
        empty = np.zeros(9)
        slices = []
        for value in values:
            table = np.array([row.get(value, empty) for row in self._rows]).reshape(-1, 9)
            figures = figures_of(_terms(table), resampling)
            slices.append(Slice(label=value, notes=round(float(table[:, _NOTES].sum())), figures=figures))
        return tuple(slices)

    def _value(self, note_value: str | None, one: Expected | Suggested) -> str:
        if note_value is not None:
            return note_value
        assert self._of_code is not None  # noqa: S101 (checked in __init__; tells mypy)
        return self._of_code(one)


def slicers(*, threshold: float, training_counts: Mapping[str, int] | None) -> dict[str, Slicer]:
    """The groupings of the report by name; ``frequency`` only where training counts are given.

    ``training_counts`` maps codes, spelled as ``taxonomy.canonical`` does, to how often they were seen.
    """
    found = {
        "system": Slicer(threshold=threshold, of_code=lambda one: one.system, order=SYSTEMS),
        "chapter": Slicer(threshold=threshold, of_code=lambda one: chapter(one.system, one.key)),
    }
    if training_counts is not None:
        found["frequency"] = Slicer(
            threshold=threshold,
            of_code=lambda one: frequency_band(training_counts.get(one.key, 0)),
            order=FREQUENCY_BANDS,
        )
    found["kind"] = Slicer(threshold=threshold, of_note=lambda case: case.kind or UNKNOWN)
    found["setting"] = Slicer(threshold=threshold, of_note=lambda case: case.setting or UNKNOWN)
    found["part"] = Slicer(threshold=threshold, of_note=lambda case: case.part or UNKNOWN)
    return found


def training_counts(gold: Iterable[GoldNote]) -> dict[str, int]:
    """In how many training notes each code stands, E/M apart, spelled as ``taxonomy.canonical`` does."""
    counts: Counter[str] = Counter()
    for item in gold:
        counts.update({canonical(code.system, code.code) for code in item.codes})
    return dict(sorted(counts.items()))


def _terms(table: Floats) -> tuple[Terms, ...]:
    right, suggested, gold = table[:, _RIGHT], table[:, _SUGGESTED], table[:, _GOLD]
    core = table[:, _CORE]
    return (
        Terms("precision", "suggested codes", right, suggested),
        Terms("recall", "gold codes", right, gold),
        Terms("f1", "gold + suggested codes", 2 * right, suggested + gold),
        Terms("candidate_recall", "gold codes", table[:, _LISTED], gold),
        Terms("core_recall_at_10", "core gold codes", table[:, _CORE_TEN], core),
        Terms("core_recall_confident", "core gold codes", table[:, _CORE_CONFIDENT], core),
        Terms("acceptable_precision_confident", "suggested codes", table[:, _ACCEPTABLE], suggested),
    )
