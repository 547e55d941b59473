"""The result of an evaluation: frozen values, as a record for programs and as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal

from suggester.evaluation.calibration import CalibrationResult
from suggester.evaluation.confusions import ConfusionResult, Example
from suggester.evaluation.figures import Figure, rounded
from suggester.evaluation.ranked import CurvePoint
from suggester.evaluation.text import Document
from suggester.types import Run

SCHEMA = 1

_Quoted = Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the figures rest on.

    ``unpredicted_notes`` are gold notes without a prediction: nothing suggested, everything missed.
    ``unknown_predictions`` are predictions of notes that are not in the gold: not scored. ``em_apart`` are
    E/M suggestions, scored apart; ``duplicates`` are suggestions of a code that stood higher already.
    """

    notes: int
    notes_with_gold: int
    unpredicted_notes: int
    unknown_predictions: int
    gold_codes: int
    core_codes: int
    optional_codes: int
    suggestions: int
    em_apart: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShare:
    """What made the suggestions of how many of the notes."""

    run: Run
    notes: int

    def to_record(self) -> dict[str, object]:
        """As JSON, the run as in the file contract."""
        return {
            "version": self.run.version,
            "model": self.run.model,
            "codesets": dict(self.run.codesets),
            "notes": self.notes,
        }

    def to_text(self) -> str:
        """``version 0.1.0, model general, ICD-10-CM 2026-04-01 (36 notes)``."""
        releases = [f"{system} {release}" for system, release in self.run.codesets]
        parts = [f"version {self.run.version}", f"model {self.run.model}", *releases]
        return f"{', '.join(parts)} ({self.notes} notes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Figures of one kind of thing: a way of choosing, a system, a chapter …"""

    key: str
    label: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled group of rows. ``definition`` says how its figures are counted.

    ``layout`` is how a reader best sees it: ``stack`` (a figure a line) or ``table`` (a row a line).
    """

    key: str
    title: str
    definition: str
    layout: Literal["stack", "table"]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything measured. Sections hold the figures; the rest holds what plots and lists need.

    ``best`` is the point of the best exact micro-F1, its threshold chosen on these same notes; ``curve``
    holds exact micro precision and recall over the thresholds. ``runs`` made the suggestions, the run of most
    notes first.
    """

    split: str
    threshold: float
    bootstrap: int
    seed: int
    sizes: Sizes
    runs: tuple[RunShare, ...]
    sections: tuple[Section, ...]
    best: CurvePoint | None
    curve: tuple[CurvePoint, ...]
    calibration: CalibrationResult
    confusions: ConfusionResult

    def flat(self) -> dict[str, Figure]:
        """Every figure by its path, ``exact/threshold/micro_f1`` say, in the order of the report."""
        return {
            f"{section.key}/{row.key}/{figure.name}": figure
            for section in self.sections
            for row in section.rows
            for figure in row.figures
        }

    def figure(self, path: str) -> Figure:
        """The figure at a path.

        Raises
        ------
        KeyError
            If there is none; names the paths of that section, or the sections.
        """
        known = self.flat()
        if path in known:
            return known[path]
        head = path.partition("/")[0] + "/"
        near = [one for one in known if one.startswith(head)] or [one.key for one in self.sections]
        raise KeyError(f"no figure {path!r}; known: {', '.join(near)}")

    def to_record(self, *, quotes: bool = True) -> dict[str, object]:
        """As JSON. ``quotes`` false leaves out the sentences, which are note text."""
        return {
            "schema": SCHEMA,
            "split": self.split,
            "threshold": self.threshold,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "sizes": _plain(self.sizes, quotes=quotes),
            "runs": [one.to_record() for one in self.runs],
            "sections": {
                section.key: {
                    "title": section.title,
                    "definition": section.definition,
                    "layout": section.layout,
                    "rows": {
                        row.key: {
                            "label": row.label,
                            "figures": {figure.name: figure.to_record() for figure in row.figures},
                        }
                        for row in section.rows
                    },
                }
                for section in self.sections
            },
            "best": _plain(self.best, quotes=quotes),
            "curve": _plain(self.curve, quotes=quotes),
            "calibration": _plain(self.calibration, quotes=quotes),
            "confusions": _plain(self.confusions, quotes=quotes),
        }

    def to_text(self, *, quotes: bool = True) -> str:
        """What a manager reads on a terminal. ``quotes`` false leaves out the sentences of the notes."""
        page = Document(stamp=f"{self.split}, {self.sizes.notes} notes")
        self._head(page)
        for section in self.sections:
            page.section(section.title, section.definition)
            if section.layout == "stack":
                page.stack([(row.label, row.figures) for row in section.rows])
            else:
                page.table([(row.label, row.figures) for row in section.rows])
        self._calibration(page)
        self._confusions(page, quotes=quotes)
        return page.text()

    def _head(self, page: Document) -> None:
        sizes = self.sizes
        page.line(f"Accuracy of the suggested codes, on: {self.split}")
        page.line(
            f"{sizes.notes} notes ({sizes.notes_with_gold} with gold codes), {sizes.gold_codes} gold codes "
            f"({sizes.core_codes} core, {sizes.optional_codes} optional), {sizes.suggestions} suggestions"
        )
        for one in self.runs:
            page.line(f"Made by {one.to_text()}")
        if sizes.unpredicted_notes:
            page.line(f"! {sizes.unpredicted_notes} notes have no prediction and count as all missed")
        if sizes.unknown_predictions:
            page.line(f"! {sizes.unknown_predictions} predictions are of notes not in the gold: not scored")
        if sizes.duplicates:
            page.line(f"! {sizes.duplicates} suggestions repeat a code of their note: only the first counts")
        if sizes.em_apart:
            page.line(f"{sizes.em_apart} E/M suggestions are scored apart")
        how = f"95 % interval: bootstrap of {self.bootstrap} samples over notes, seed {self.seed}"
        page.line(f"Read: value [{how if self.bootstrap else 'no interval asked for'}] n size")
        page.section("In short", "")
        confident = f"confidence {self.threshold:.2f} or more"
        for path, words in (
            (
                "core/ICD-10-CM/core_recall_at_10",
                "of the core diagnoses stand among the first ten suggestions",
            ),
            ("core/ICD-10-CM/core_recall_at_10_in_system", "of them among the first ten diagnoses"),
            ("core/all/core_recall_confident", f"of the core codes are suggested with {confident}"),
            ("core/all/acceptable_precision_confident", f"of the suggestions with {confident} are right"),
        ):
            page.line(f"  {self.figure(path).to_text()}  {words}")
        sure = self.calibration.confident
        if not self.sizes.suggestions:
            page.line("  n/a  nothing was suggested")
        elif sure is None:
            page.line("  At no confidence are 95 of 100 suggestions right.")
        else:
            page.line(
                f"  {sure.found.to_text()}  of the gold codes are found from confidence "
                f"{sure.threshold:.3f}, "
                "where 95 of 100 are right"
            )

    def _calibration(self, page: Document) -> None:
        result = self.calibration
        page.section("Reliability", "Does a confidence mean what it says? Right: acceptable for a gold code.")
        for title, bins in (("ten bins of equal width", result.fixed), ("of equal size", result.equal_mass)):
            page.grid(
                ("confidence", "n", "mean confidence", "share right"),
                [
                    (
                        f"{one.low:.3f} to {one.high:.3f}",
                        str(one.size),
                        page.number(one.confidence),
                        page.number(one.right),
                    )
                    for one in bins
                ],
                title=title,
            )
        page.section(
            "If everything above a confidence were accepted",
            "Expected wrong is the sum of 1 - confidence. Found: share of gold codes, core and optional.",
        )
        rows = [*result.above, *(() if result.confident is None else (result.confident,))]
        page.grid(
            ("confidence", "accepted", "expected wrong", "wrong", "share right", "gold codes found"),
            [
                (
                    f"{one.threshold:.3f}",
                    str(one.suggested),
                    f"{one.expected_wrong:.1f}",
                    str(one.wrong),
                    one.precision.to_text(),
                    one.found.to_text(),
                )
                for one in rows
            ],
            title="the last row: the lowest confidence from which 95 of 100 are right"
            if result.confident is not None
            else "at no confidence are 95 of 100 right",
        )

    def _confusions(self, page: Document, *, quotes: bool) -> None:
        page.section(
            "Costliest mistakes",
            "Cost: 1 for each core code missed, plus the confidence of each wrong code "
            f"(suggested with {self.threshold:.2f} or more).",
        )
        for title, group in (
            ("wrong code of the right family", self.confusions.confused),
            ("missed, no such rival", self.confusions.missed),
            ("suggested for nothing", self.confusions.spurious),
        ):
            page.line(f"  {title}{'' if group else ': none'}")
            for one in group:
                codes = " -> ".join(code for code in (one.gold, one.rival) if code)
                fates = ", ".join(f"{name.replace('_', ' ')} {times}" for name, times in one.fates)
                page.line(f"    {codes:<22} notes {one.times:<4} cost {one.cost:<7.2f} {fates}".rstrip())
                for example in one.examples[:1] if quotes else ():
                    if example.sentence:
                        page.line(f"      {example.note_id}: {example.sentence}")


def _plain(value: object, *, quotes: bool) -> object:
    """Frozen values as JSON: floats rounded, sentences left out unless asked for."""
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, tuple):
        return [_plain(one, quotes=quotes) for one in value]
    if is_dataclass(value):
        hidden = {"sentence"} if isinstance(value, Example) and not quotes else set()
        return {
            field.name: _plain(getattr(value, field.name), quotes=quotes)
            for field in fields(value)
            if field.name not in hidden
        }
    return value
