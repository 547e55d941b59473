"""Can the confidences be trusted? Reliability, what accepting would bring, precision against recall."""

from __future__ import annotations

import math
from collections.abc import Sequence

from suggester.evaluation.calibration import AboveThreshold
from suggester.evaluation.html_chart import Plot, percent_axis, share_axis
from suggester.evaluation.html_figures import Figures, no_range, number, percent, row, table
from suggester.evaluation.html_markup import Child, Html, tag
from suggester.evaluation.ranked import CurvePoint
from suggester.evaluation.report import Report

_FEW = 10
_STEP = 10


def trust_section(report: Report, figures: Figures) -> Html:
    """How reliable a confidence is, and what follows."""
    return tag(
        "section",
        tag("h2", "Does a confidence mean what it says?"),
        tag(
            "p",
            "Every suggestion comes with a confidence. If it can be taken at its word, then of all "
            "suggestions "
            "with confidence 0.80, eighty in a hundred are right, and the number of wrong codes in a "
            "day’s work "
            "can be told before anyone has looked at them.",
        ),
        tag("div", _reliability(report, figures), _accepting(report), class_="pair"),
        _above(report),
        id="trust",
    )


def choice_section(report: Report, figures: Figures) -> Html:
    """Precision against recall, and both over the threshold."""
    return tag(
        "section",
        tag("h2", "Fewer and surer, or more and looser?"),
        tag(
            "p",
            "A threshold on the confidence decides which suggestions count as the software’s answer. A high "
            "one gives few codes, mostly right (precision); a low one finds more of the codes (recall). Here "
            "every human code counts, optional ones too, and only that very code is right: the strictest "
            "count, the one of published figures.",
        ),
        tag("div", _precision_recall(report, figures), _sweep(report), class_="pair"),
        _sweep_table(report.curve),
        id="choice",
    )


def recall_at_precision(report: Report) -> Child:
    """What can be settled where 95 of 100 are right, as a sentence."""
    sure = report.calibration.confident
    if not report.sizes.suggestions:
        return "Nothing was suggested."
    if sure is None:
        return "At no confidence are 95 of 100 suggestions right."
    return [
        "From confidence ",
        tag("strong", number(sure.threshold)),
        " on, 95 of 100 suggestions are right. That settles ",
        tag("strong", percent(sure.found.value)),
        f" of all human codes{_between(sure.found.low, sure.found.high)}. ",
        "The confidence was chosen on these same notes.",
    ]


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None or no_range(low, high):
        return ""
    return f" ({low * 100:.1f} to {percent(high)})"


def _reliability(report: Report, figures: Figures) -> Html:
    bins = [one for one in report.calibration.fixed if one.confidence is not None and one.right is not None]
    most = max((one.size for one in bins), default=1)
    plot = Plot(
        key="reliability",
        title="Reliability diagram",
        description="Share of suggestions that are right, by stated confidence. "
        + "; ".join(
            f"{one.low:.1f} to {one.high:.1f}: {percent(one.right, places=0)} of {one.size}" for one in bins
        ),
        x=share_axis("stated confidence"),
        y=percent_axis("share right, %"),
        height=360.0,
    )
    plot.columns(
        [(one.low, one.high, one.size / most, f"{one.size} suggestions") for one in bins],
        share=0.22,
        kind="size",
    )
    plot.line([(0.0, 0.0), (1.0, 1.0)], "ideal")
    points = [(one.confidence or 0.0, one.right or 0.0) for one in bins]
    plot.line(points, "first")
    for point, one in zip(points, bins, strict=True):
        told = (
            f"confidence {one.low:.1f} to {one.high:.1f}, mean {point[0]:.3f}: {percent(one.right)} right, "
            f"n {one.size}"
        )
        plot.dot(point, "first", told, radius=3.5 + 5.5 * math.sqrt(one.size / most))
    return tag(
        "figure",
        tag("h3", "Reliability"),
        legend(("first", "measured"), ("ideal", "confidence exact")),
        plot.html(),
        tag(
            "figcaption",
            "On the dashed line, confidence is exact. Above it the software is too modest, below it too "
            "sure. "
            "The larger the dot and the grey column, the more suggestions. Mean gap (expected calibration "
            "error): ",
            figures.value("calibration/all/ece"),
            figures.interval("calibration/all/ece", words=" ({low} to {high})"),
            "; with bins of equal size ",
            figures.value("calibration/all/ece_equal_mass"),
            ". Brier score ",
            figures.value("calibration/all/brier"),
            ". Right means: acceptable for a human code of the note.",
        ),
    )


def _accepting(report: Report) -> Html:
    rows = report.calibration.above
    most = max((max(one.expected_wrong, one.wrong) for one in rows), default=0.0)
    step = _round_step(most / 4) if most else 1.0
    ticks = [step * index for index in range(math.ceil(most / step) + 1)] if most else [0.0, 1.0]
    y = percent_axis("wrong codes accepted")
    plot = Plot(
        key="accepting",
        title="Expected and counted wrong codes",
        description="; ".join(
            f"above {one.threshold:.2f}: expected {one.expected_wrong:.1f}, counted {one.wrong}"
            for one in rows
        ),
        x=share_axis("every suggestion accepted from this confidence on"),
        y=type(y)(low=0.0, high=ticks[-1], ticks=ticks, title=y.title, shown=lambda value: f"{value:g}"),
        height=360.0,
    )
    plot.line([(one.threshold, one.expected_wrong) for one in rows], "first")
    plot.line([(one.threshold, float(one.wrong)) for one in rows], "second")
    for one in rows:
        told = f"from {one.threshold:.2f}: {one.expected_wrong:.1f} expected, {one.wrong} counted wrong"
        plot.dot((one.threshold, one.expected_wrong), "first", told)
        plot.dot((one.threshold, float(one.wrong)), "second", told)
    return tag(
        "figure",
        tag("h3", "Wrong codes, expected and counted"),
        legend(("first", "expected"), ("second", "counted")),
        plot.html(),
        tag(
            "figcaption",
            "Expected is what the confidences themselves foretell, before anyone looks: the sum of 1 less "
            "confidence. Counted is against the human codes. Where more are counted than expected, the "
            "confidences promise too much.",
        ),
    )


def _above(report: Report) -> Html:
    rows = [_above_row(one, report) for one in report.calibration.above]
    sure = report.calibration.confident
    if sure is not None:
        rows.append(_above_row(sure, report, key=True))
    note = (
        "Last row: the lowest confidence from which 95 of 100 are right, chosen on these same notes."
        if sure is not None
        else "At no confidence are 95 of 100 right."
    )
    return table(
        (
            "Confidence from",
            "Codes accepted",
            "A note",
            "Wrong, expected",
            "Wrong, counted",
            "Share right",
            "Human codes found",
        ),
        rows,
        caption=["If everything above a confidence were accepted unseen ", tag("small", note)],
        class_="plain",
    )


def _above_row(one: AboveThreshold, report: Report, *, key: bool = False) -> Html:
    notes = report.sizes.notes
    return row(
        f"{one.threshold:.3f}" if key else f"{one.threshold:.2f}",
        f"{one.suggested:,}",
        number(one.suggested / notes if notes else None, places=1),
        f"{one.expected_wrong:.1f}",
        f"{one.wrong:,}",
        _with_interval(one.precision.value, one.precision.low, one.precision.high),
        _with_interval(one.found.value, one.found.low, one.found.high),
        class_="key" if key else None,
    )


def _with_interval(value: float | None, low: float | None, high: float | None) -> Child:
    if low is None or high is None or no_range(low, high):
        return percent(value)
    return [percent(value), tag("small", f"{low * 100:.1f} to {percent(high)}")]


def _precision_recall(report: Report, figures: Figures) -> Html:
    plot = Plot(
        key="precision-recall",
        title="Precision-recall curve",
        description="Precision against recall of exact codes, over all thresholds.",
        x=percent_axis("recall: human codes found, %"),
        y=percent_axis("precision: suggestions right, %"),
    )
    points = [
        (one.recall, one.precision)
        for one in report.curve
        if one.recall is not None and one.precision is not None
    ]
    plot.line(points, "first")
    given = (figures["exact/threshold/micro_recall"].value, figures["exact/threshold/micro_precision"].value)
    best = report.best
    if best is not None and best.recall is not None and best.precision is not None:
        told = f"best F1 {number(best.f1)} at confidence {number(best.threshold)}"
        plot.dot((best.recall, best.precision), "third", told, radius=6.0)
        plot.label((best.recall, best.precision), f"best F1 {number(best.f1)}")
    if given[0] is not None and given[1] is not None:
        told = f"threshold given: precision {percent(given[1])}, recall {percent(given[0])}"
        plot.dot((given[0], given[1]), "second", told, radius=6.0)
        plot.label((given[0], given[1]), f"threshold {report.threshold:.2f}")
    return tag(
        "figure",
        tag("h3", "Precision against recall"),
        legend(("first", "every threshold")),
        plot.html(),
        tag(
            "figcaption",
            "Mean average precision, the area that counts the order of the list alone: ",
            figures.value("exact/ranking/map"),
            figures.interval("exact/ranking/map", words=" ({low} to {high})"),
            ". Human codes anywhere in the lists: ",
            figures.value("exact/ranking/candidate_recall"),
            ".",
        ),
    )


def _sweep(report: Report) -> Html:
    plot = Plot(
        key="sweep",
        title="Threshold sweep",
        description="Precision, recall and F1 of exact codes at every threshold.",
        x=share_axis("threshold on the confidence"),
        y=percent_axis("%"),
    )
    for kind, name in (("first", "precision"), ("second", "recall"), ("third", "f1")):
        values = [(one.threshold, getattr(one, name)) for one in report.curve if one.suggested]
        plot.line([(at, value) for at, value in values if value is not None], kind)
    right = report.threshold > 0.7
    plot.rule(report.threshold, f"given, {report.threshold:.2f}", end=right)
    if report.best is not None and abs(report.best.threshold - report.threshold) > 0.005:
        words = f"best F1, {report.best.threshold:.2f}"
        plot.rule(report.best.threshold, words, end=report.best.threshold > 0.7, drop=15.0)
    return tag(
        "figure",
        tag("h3", "At every threshold"),
        legend(("first", "precision"), ("second", "recall"), ("third", "F1, their balance")),
        plot.html(),
        tag(
            "figcaption",
            "The threshold of the best F1 was chosen on these same notes, so its figures flatter: choose "
            "it on "
            "other notes.",
        ),
    )


def _sweep_table(curve: Sequence[CurvePoint]) -> Html:
    tenths = [
        one
        for one in curve
        if math.isclose(one.threshold * _STEP, round(one.threshold * _STEP), abs_tol=1e-9)
    ]
    rows = [
        row(
            f"{one.threshold:.2f}",
            f"{one.suggested:,}",
            *map(percent, (one.precision, one.recall)),
            number(one.f1),
        )
        for one in (tenths if len(tenths) > 1 else curve)
    ]
    return tag(
        "details",
        tag("summary", "The same as a table"),
        table(("Threshold", "Codes suggested", "Precision", "Recall", "F1"), rows, class_="plain"),
    )


def legend(*entries: tuple[str, str]) -> Html:
    """What the lines are."""
    return tag(
        "ul",
        [
            tag(
                "li",
                tag(
                    "svg",
                    tag("line", x1=0, x2=24, y1=6, y2=6, class_=f"line {kind}"),
                    viewBox="0 0 24 12",
                    aria_hidden="true",
                ),
                words,
            )
            for kind, words in entries
        ],
        class_="legend",
    )


def _round_step(rough: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough - 1e-12)


__all__ = ["choice_section", "legend", "recall_at_precision", "trust_section"]
