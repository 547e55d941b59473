"""Is one run better than another on the same notes? Differences with paired intervals and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suggester.evaluation.cases import Case, prepare, project
from suggester.evaluation.coding import CoreScores
from suggester.evaluation.figures import (
    Figure,
    Floats,
    Resampling,
    Terms,
    figures_of,
    interval,
    rounded,
)
from suggester.evaluation.ranked import CandidateRecall, MeanAveragePrecision, MicroScores, ThresholdSweep
from suggester.evaluation.text import Document, titled
from suggester.types import GoldNote, Suggestions

_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of both runs and b less a.

    ``low`` and ``high`` are the 95 % interval of the difference from a bootstrap that draws the same notes
    for both. ``p_value`` is two-sided, from a permutation test that swaps the runs note by note: the chance
    of so large a difference if it did not matter which run did which note. All None where a run's figure is
    undefined or nothing was drawn.
    """

    name: str
    a: Figure
    b: Figure
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs on the same notes. ``names`` are the runs' labels, a first."""

    names: tuple[str, str]
    notes: int
    threshold: float
    samples: int
    seed: int
    differences: tuple[Difference, ...]

    def difference(self, name: str) -> Difference:
        """The difference of a figure.

        Raises
        ------
        KeyError
            If it was not compared; names those that were.
        """
        for one in self.differences:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.differences)
        raise KeyError(f"no figure {name!r}; known: {known}")

    def to_record(self) -> dict[str, object]:
        """As JSON, rounded to six places."""
        return {
            "a": self.names[0],
            "b": self.names[1],
            "notes": self.notes,
            "threshold": self.threshold,
            "samples": self.samples,
            "seed": self.seed,
            "differences": {
                one.name: {
                    "a": one.a.to_record(),
                    "b": one.b.to_record(),
                    "difference": rounded(one.difference),
                    "low": rounded(one.low),
                    "high": rounded(one.high),
                    "p_value": rounded(one.p_value),
                }
                for one in self.differences
            },
        }

    def to_text(self) -> str:
        """A table for a terminal."""
        a, b = self.names
        page = Document(stamp=f"{self.notes} notes")
        page.section(
            f"{b} against {a}",
            f"Confident: confidence {self.threshold:.2f} or more. [95 % interval]: paired bootstrap over "
            f"notes. p: two-sided permutation test that swaps the runs note by note. {self.samples} samples, "
            f"seed {self.seed}. Best F1: each run at its own best threshold, chosen on these same notes.",
        )
        page.grid(
            ("", a, b, "difference", "p"),
            [
                (
                    titled(one.name),
                    one.a.to_text(),
                    one.b.to_text(),
                    "n/a" if one.difference is None else _signed(one),
                    "n/a" if one.p_value is None else f"{one.p_value:.4f}",
                )
                for one in self.differences
            ],
        )
        return page.text()


def compare(
    gold: Sequence[GoldNote],
    a: Mapping[str, Suggestions],
    b: Mapping[str, Suggestions],
    *,
    names: tuple[str, str] = ("a", "b"),
    threshold: float = 0.5,
    samples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on the same gold notes; positive differences favour b.

    Parameters
    ----------
    gold
        Notes with their codes.
    a, b
        Suggestions by note id of the two runs.
    names
        What to call them.
    threshold
        The confidence at which suggestions count as the software's answer, the same for both.
    samples
        Bootstrap samples and permutations; 0 leaves intervals and p-values out.
    seed
        Of both.
    """
    resampling = Resampling(len(gold), samples=samples, seed=seed)
    terms_a, terms_b = (_terms(prepare(gold, run), threshold) for run in (a, b))
    figures_a, figures_b = figures_of(terms_a, resampling), figures_of(terms_b, resampling)
    table_a, table_b = _columns(terms_a), _columns(terms_b)
    drawn = _ratios(resampling.sums(table_b)) - _ratios(resampling.sums(table_a))
    observed = _ratios(table_b.sum(axis=0)[None]) - _ratios(table_a.sum(axis=0)[None])
    p_values = _permuted(table_a, table_b, observed[0], samples=samples, seed=seed)
    differences = []
    for column, (one, other) in enumerate(zip(figures_a, figures_b, strict=True)):
        known = one.value is not None and other.value is not None
        low, high = interval(drawn[:, column]) if known else (None, None)
        differences.append(
            Difference(
                name=one.name,
                a=one,
                b=other,
                difference=float(observed[0, column]) if known else None,
                low=low,
                high=high,
                p_value=float(p_values[column]) if known and samples else None,
            )
        )
    return Comparison(
        names=names,
        notes=len(gold),
        threshold=threshold,
        samples=samples,
        seed=seed,
        differences=tuple(differences),
    )


def _terms(cases: Sequence[Case], threshold: float) -> tuple[Terms, ...]:
    """The compared figures of one run, a number a note."""
    rankings = [project(case, "exact") for case in cases]
    sweep = ThresholdSweep()
    for ranking in rankings:
        sweep.update(ranking)
    best, _ = sweep.compute()
    at_best = MicroScores(threshold=1.0 if best is None else best.threshold)
    micro, ranked, listed = MicroScores(threshold=threshold), MeanAveragePrecision(), CandidateRecall()
    for ranking in rankings:
        for metric in (micro, at_best, ranked, listed):
            metric.update(ranking)
    core = CoreScores(threshold=threshold)
    for case in cases:
        core.update(case)
    chosen = ("core_recall_at_10", "core_recall_confident", "acceptable_precision_confident")
    return (
        *ranked.terms(),
        *micro.terms(),
        at_best.terms()[2]._replace(name="best_micro_f1"),
        *listed.terms(),
        *(term for term in core.terms() if term.name in chosen),
    )


def _columns(terms: Sequence[Terms]) -> Floats:
    """Notes by twice the figures: all numerators, then all denominators."""
    return np.stack(
        [*(term.numerator for term in terms), *(term.denominator for term in terms)],
        axis=1,
    )


def _ratios(sums: Floats) -> Floats:
    """Ratios of each row of sums, NaN where there is nothing to divide by."""
    half = sums.shape[1] // 2
    top, bottom = sums[:, :half], sums[:, half:]
    ratios: Floats = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratios, where=bottom > 0)
    return ratios


def _permuted(table_a: Floats, table_b: Floats, observed: Floats, *, samples: int, seed: int) -> Floats:
    """Two-sided p of each figure: how often swapping the runs note by note gives as large a difference."""
    notes = table_a.shape[0]
    generator = np.random.default_rng((seed, 1))
    gap = table_b - table_a
    total_a, total_b = table_a.sum(axis=0), table_b.sum(axis=0)
    as_large = np.zeros(observed.shape)
    step = max(1, _CHUNK_CELLS // max(notes, 1))
    for start in range(0, samples, step):
        swapped = generator.integers(0, 2, size=(min(step, samples - start), notes)).astype(np.float64)
        moved = swapped @ gap
        differences = _ratios(total_b - moved) - _ratios(total_a + moved)
        as_large += (np.abs(differences) >= np.abs(observed) - 1e-12).sum(axis=0)
    return (as_large + 1) / (samples + 1)


def _signed(one: Difference) -> str:
    assert one.difference is not None  # noqa: S101 (the caller checks; tells mypy)
    span = "" if one.low is None or one.high is None else f" [{one.low:+.3f}, {one.high:+.3f}]"
    return f"{one.difference:+.3f}{span}"
