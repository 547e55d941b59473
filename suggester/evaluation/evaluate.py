"""Score predictions against gold notes: every metric over the same cases and the same bootstrap samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from suggester.evaluation.calibration import ABOVE, Calibration
from suggester.evaluation.cases import LEVELS, Case, Level, Ranking, prepare, project
from suggester.evaluation.coding import AuditScores, CoreFates, CoreScores, EmScores, EvidenceScores
from suggester.evaluation.confusions import Confusions
from suggester.evaluation.figures import Figure, RatioMetric, Resampling
from suggester.evaluation.ranked import (
    AtCutoffs,
    CandidateRecall,
    CurvePoint,
    MacroScores,
    MeanAveragePrecision,
    MicroScores,
    ThresholdSweep,
)
from suggester.evaluation.report import Report, Row, RunShare, Section, Sizes
from suggester.evaluation.slices import slicers
from suggester.evaluation.taxonomy import canonical
from suggester.types import SYSTEMS, GoldNote, Suggestions

_LEVEL_TITLES: dict[Level, str] = {
    "exact": "Exact codes",
    "category": "Categories (first three characters, ICD-10-CM only)",
    "chapter": "Chapters (ICD-10-CM chapters, CPT sections, HCPCS letters)",
}

_EXACT = (
    "Every gold code counts, core and optional, and only that very code is right. Micro: pooled over notes. "
    "Macro: mean over the codes that are gold at least once, a code never suggested scoring 0; its interval "
    "resamples those codes. MAP: mean over notes with gold of average precision over the whole list, gold "
    "codes not listed adding nothing. At k: mean over notes with gold; precision divides by k. Candidate "
    "recall: gold codes anywhere in the list."
)

_GROUPED = (
    "Codes that fall together keep the best rank and the highest confidence among them. Counted as for exact."
)

_SLICE_TITLES = {
    "system": "By code system",
    "chapter": "By chapter",
    "frequency": "By how often the code stands in the training notes",
    "kind": "By kind of note",
    "setting": "By setting",
    "part": "By part of the collection",
}


def evaluate(
    gold: Sequence[GoldNote],
    predictions: Mapping[str, Suggestions],
    *,
    threshold: float = 0.5,
    thresholds: Sequence[float] | None = None,
    training_counts: Mapping[str, int] | None = None,
    split: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Report:
    """Measure how good the suggestions are.

    500 notes with 200 suggestions each and 1,000 bootstrap samples take about 2 s on one core.

    Parameters
    ----------
    gold
        Notes with their codes.
    predictions
        Suggestions by note id. A gold note without any counts as all missed; the report says how many.
    threshold
        The confidence at which suggestions count as the software's answer.
    thresholds
        Those to sweep for the best micro-F1 and the curve; None sweeps every confidence that occurs and draws
        the curve over 0.00 to 0.99.
    training_counts
        How often each code stands in the training notes, for the figures by frequency; None leaves them out.
        Diagnoses may be given with or without their dot.
    split
        What these notes are, for the report's headings; None puts it together from ``GoldNote.part``.
    bootstrap
        Samples for the 95 % intervals, over notes; 0 leaves intervals out.
    seed
        Of the bootstrap.

    Raises
    ------
    DuplicateIdError
        If two gold notes share an id.
    FieldError
        If a confidence is not in [0, 1].
    ValueError
        If the threshold is not in [0, 1] or ``bootstrap`` is negative.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}; allowed: 0 to 1")
    cases = prepare(gold, predictions)
    resampling = Resampling(len(cases), samples=bootstrap, seed=seed)
    best: CurvePoint | None = None
    curve: tuple[CurvePoint, ...] = ()
    sections: list[Section] = []
    for level in LEVELS:
        section, level_best, level_curve = _level(level, cases, threshold, thresholds, resampling)
        sections.append(section)
        if level == "exact":
            best, curve = level_best, level_curve
    calibration = _fed(Calibration(thresholds=sorted({*ABOVE, threshold})), cases).compute(resampling)
    sections += _coding(cases, threshold, resampling)
    sections.append(
        Section(
            key="calibration",
            title="Calibration",
            definition="Mean gap between confidence and share right, in ten bins of equal width, and of "
            "equal size (equal mass). Brier score: mean square of confidence less verdict. 0 is best.",
            layout="stack",
            rows=(Row(key="all", label="all suggestions", figures=calibration.figures),),
        )
    )
    sections += _slices(cases, threshold, training_counts, resampling)
    return Report(
        split=split or _split(cases),
        threshold=threshold,
        bootstrap=bootstrap,
        seed=seed,
        sizes=_sizes(cases, predictions),
        runs=_runs(cases, predictions),
        sections=tuple(sections),
        best=best,
        curve=curve,
        calibration=calibration,
        confusions=_fed(Confusions(threshold=threshold), cases).compute(),
    )


def _level(
    level: Level,
    cases: Sequence[Case],
    threshold: float,
    thresholds: Sequence[float] | None,
    resampling: Resampling,
) -> tuple[Section, CurvePoint | None, tuple[CurvePoint, ...]]:
    rankings = [project(case, level) for case in cases]
    sweep = ThresholdSweep(thresholds=thresholds)
    for ranking in rankings:
        sweep.update(ranking)
    best, curve = sweep.compute()
    rows = [
        Row(
            key="threshold",
            label=f"with confidence {threshold:.2f} or more (given)",
            figures=_at(rankings, threshold, resampling),
        )
    ]
    if best is not None:
        label = (
            f"with confidence {best.threshold:.4f} or more (best F1: threshold chosen on these same notes)"
        )
        rows.append(Row(key="best", label=label, figures=_at(rankings, best.threshold, resampling)))
    figures: list[Figure] = []
    for metric in (MeanAveragePrecision(), AtCutoffs(), CandidateRecall()):
        figures += _ratios(metric, rankings, resampling)
    rows.append(Row(key="ranking", label="the ranked list, whatever the confidence", figures=tuple(figures)))
    section = Section(
        key=level,
        title=_LEVEL_TITLES[level],
        definition=_EXACT if level == "exact" else _GROUPED,
        layout="stack",
        rows=tuple(rows),
    )
    return section, best, curve


def _at(rankings: Sequence[Ranking], threshold: float, resampling: Resampling) -> tuple[Figure, ...]:
    macro = MacroScores(threshold=threshold)
    for ranking in rankings:
        macro.update(ranking)
    return (*_ratios(MicroScores(threshold=threshold), rankings, resampling), *macro.compute(resampling))


def _coding(cases: Sequence[Case], threshold: float, resampling: Resampling) -> list[Section]:
    systems = (("all", "all systems", None), *((system, system, system) for system in SYSTEMS))
    confident = f"with confidence {threshold:.2f} or more"
    sections = [
        Section(
            key="core",
            title="Core codes, acceptable alternatives counted",
            definition="A core code is found when any acceptable code is suggested. A suggestion is right "
            f"if it is acceptable for any gold code, core or optional. Confident: {confident}. In system: "
            "ranked among the suggestions of that system only.",
            layout="stack",
            rows=tuple(
                Row(
                    key=key,
                    label=label,
                    figures=_ratios(CoreScores(threshold=threshold, system=system), cases, resampling),
                )
                for key, label, system in systems
            ),
        ),
        _single(
            "fates",
            "Where the core codes went",
            f"Found: {confident}. Read, not coded: stands in the not-coded ledger. In any form: all but "
            "never seen.",
            CoreFates(threshold=threshold),
            cases,
            resampling,
        ),
        _single(
            "audit",
            "Code-over-code audit",
            f"The reviewer's core codes are the denominator; the software's are those {confident}. Changed: "
            "a wrong code of the right family (first three characters). Added: other wrong codes. Strict: "
            "agreed over the reviewer's codes and the added.",
            AuditScores(threshold=threshold),
            cases,
            resampling,
        ),
        _single(
            "evidence",
            "Evidence",
            "Of right suggestions whose gold code has evidence, the share that shows words that overlap it, "
            f"or that lie inside it. Confident: {confident}.",
            EvidenceScores(threshold=threshold),
            cases,
            resampling,
        ),
    ]
    if any(case.em.acceptable for case in cases):
        sections.append(
            _single(
                "em",
                "Evaluation and management level, apart",
                "First, any, confident: an acceptable level stands there, over notes that bill one. "
                "Precision: over notes with a confident E/M suggestion; where no E/M is billed it is wrong.",
                EmScores(threshold=threshold),
                cases,
                resampling,
            )
        )
    return sections


def _single(
    key: str,
    title: str,
    definition: str,
    metric: RatioMetric[Case],
    cases: Sequence[Case],
    resampling: Resampling,
) -> Section:
    figures = _ratios(metric, cases, resampling)
    row = Row(key="all", label="all systems", figures=figures)
    return Section(key=key, title=title, definition=definition, layout="stack", rows=(row,))


def _slices(
    cases: Sequence[Case],
    threshold: float,
    training_counts: Mapping[str, int] | None,
    resampling: Resampling,
) -> list[Section]:
    counts = None if training_counts is None else _canonical_counts(training_counts)
    sections = []
    for name, slicer in slicers(threshold=threshold, training_counts=counts).items():
        slices = _fed(slicer, cases).compute(resampling)
        if name in ("kind", "setting", "part") and len(slices) < 2:
            continue
        sections.append(
            Section(
                key=f"by_{name}",
                title=_SLICE_TITLES[name],
                definition="Precision, recall, F1: exact codes, micro, suggested with confidence "
                f"{threshold:.2f} or more. The core and acceptable figures are as above.",
                layout="table",
                rows=tuple(
                    Row(key=one.label, label=f"{one.label} ({one.notes} notes)", figures=one.figures)
                    for one in slices
                ),
            )
        )
    return sections


def _canonical_counts(training_counts: Mapping[str, int]) -> Counter[str]:
    """Counts by canonical code. J1100 may be a drug or an undotted influenza: it counts for both."""
    counts: Counter[str] = Counter()
    for code, times in training_counts.items():
        for key in {canonical("HCPCS", code), canonical("ICD-10-CM", code)}:
            counts[key] += times
    return counts


class _CaseMetric(Protocol):
    def update(self, item: Case) -> object:
        """Count one note."""


def _fed[Metric: _CaseMetric](metric: Metric, cases: Sequence[Case]) -> Metric:
    for case in cases:
        metric.update(case)
    return metric


def _ratios[Item](
    metric: RatioMetric[Item], items: Sequence[Item], resampling: Resampling
) -> tuple[Figure, ...]:
    for item in items:
        metric.update(item)
    return metric.compute(resampling)


def _split(cases: Sequence[Case]) -> str:
    parts = Counter(case.part for case in cases if case.part is not None)
    unnamed = len(cases) - parts.total()
    named = [f"{part} {count}" for part, count in sorted(parts.items())]
    if not named:
        return "all notes given"
    if len(named) == 1 and not unnamed:
        return f"part {next(iter(parts))}"
    return "parts " + ", ".join([*named, *([f"no part {unnamed}"] if unnamed else [])])


def _runs(cases: Sequence[Case], predictions: Mapping[str, Suggestions]) -> tuple[RunShare, ...]:
    """What made the suggestions that are scored. Settings are not in the contract."""
    shares = Counter(
        replace(predictions[case.note_id].run, config_hash="") for case in cases if case.predicted
    )
    order = sorted(shares.items(), key=lambda one: (-one[1], one[0].version, one[0].model, one[0].codesets))
    return tuple(RunShare(run=run, notes=notes) for run, notes in order)


def _sizes(cases: Sequence[Case], predictions: Mapping[str, Suggestions]) -> Sizes:
    known = {case.note_id for case in cases}
    gold = [one for case in cases for one in case.expected]
    core = sum(one.core for one in gold)
    return Sizes(
        notes=len(cases),
        notes_with_gold=sum(bool(case.expected) for case in cases),
        unpredicted_notes=sum(not case.predicted for case in cases),
        unknown_predictions=sum(note_id not in known for note_id in predictions),
        gold_codes=len(gold),
        core_codes=core,
        optional_codes=len(gold) - core,
        suggestions=sum(len(case.suggested) for case in cases),
        em_apart=sum(len(case.em.suggested) for case in cases),
        duplicates=sum(case.duplicates for case in cases),
    )
