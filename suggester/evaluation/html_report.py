"""The report as one file that opens anywhere: figures, plots and what they mean in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from suggester.evaluation.html_detail import (
    fate_section,
    group_section,
    learning_section,
    level_section,
    mistake_section,
)
from suggester.evaluation.html_figures import NBSP, Figures, count, number, percent, row, table
from suggester.evaluation.html_markup import Child, Html, document, tag
from suggester.evaluation.html_style import CSS
from suggester.evaluation.html_trust import choice_section, recall_at_precision, trust_section
from suggester.evaluation.learning import LearningPoint
from suggester.evaluation.report import Report
from suggester.evaluation.text import titled

_TITLE = "How good are the suggested codes?"
_FEW_NOTES = 100

_GLOSSARY = (
    (
        "Human or gold codes",
        "The codes that careful people gave these notes; everything is measured against them.",
    ),
    ("Core and optional", "Core codes must be coded. Optional ones may be: missing them is no mistake."),
    ("Acceptable", "Where two codes are equally defensible for the same words, either is right."),
    ("Confidence", "The software’s own estimate of the chance that a suggestion is right, 0 to 1."),
    (
        "Precision, recall",
        "Of what is suggested, the share that is right; of what is right, the share suggested.",
    ),
    ("F1", "The balance of both: their harmonic mean."),
    (
        "Mean average precision (MAP)",
        "How far up the right codes stand in the list, whatever the confidence; 1 is all of them on top.",
    ),
    (
        "95 % interval",
        "The range the figure would lie in nineteen times in twenty, had other such notes been drawn.",
    ),
    ("n", "How many codes, suggestions or notes a figure rests on."),
)


def report_page(
    report: Report,
    *,
    titles: Mapping[str, str] | None = None,
    learning: Sequence[LearningPoint] = (),
    dated: date | None = None,
    quotes: bool = True,
) -> str:
    """Make the page. Same arguments, same bytes: it reads no clock.

    Parameters
    ----------
    report
        What was measured.
    titles
        Titles by code, to be shown with the costliest mistakes; what is not in it is shown without.
    learning
        Points of a learning curve; none leaves the plot out.
    dated
        A date to print.
    quotes
        Whether to show sentences of the notes.
    """
    figures = Figures(report.flat())
    sections = [
        ("figures", "In short", _headline(report, figures)),
        ("trust", "Confidence", trust_section(report, figures)),
        ("fates", "Found and missed", fate_section(report, figures)),
        ("groups", "By group", group_section(report, figures)),
        ("choice", "Thresholds", choice_section(report, figures)),
        *([("learning", "Learning", learning_section(learning))] if learning else []),
        ("levels", "Published figures", level_section(report, figures)),
        ("mistakes", "Mistakes", mistake_section(report, titles or {}, quotes=quotes)),
        ("every-figure", "Every figure", _every_figure(report, figures)),
        ("about", "About", _about(report)),
    ]
    body = [
        _header(report, dated),
        tag("nav", tag("ul", [tag("li", tag("a", words, href=f"#{key}")) for key, words, _ in sections])),
        tag("main", [section for _, _, section in sections]),
        tag(
            "footer",
            "Made by Suggester from the figures that suggester evaluate prints. It suggests; people code.",
        ),
    ]
    return document(f"{_TITLE} {report.split}", body, css=CSS)


def _header(report: Report, dated: date | None) -> Html:
    sizes = report.sizes
    runs = ", ".join(
        dict.fromkeys(f"version {one.run.version}, model {one.run.model}" for one in report.runs)
    )
    return tag(
        "header",
        tag("p", "Suggester · accuracy report", class_="kicker"),
        tag("h1", _TITLE),
        tag(
            "p",
            f"Measured on {count(sizes.notes, 'note')} with {count(sizes.gold_codes, 'human code')} "
            f"({report.split})",
            f"; {runs}" if runs else "",
            ".",
            f" {dated.isoformat()}." if dated is not None else "",
        ),
    )


def _headline(report: Report, figures: Figures) -> Html:
    confident = f"confidence {report.threshold:.2f} or more"
    first = figures.first_defined("core/ICD-10-CM/core_recall_at_10", "core/all/core_recall_at_10")
    what = "diagnoses" if "ICD-10-CM" in first else "codes"
    right, found = "core/all/acceptable_precision_confident", "core/all/core_recall_confident"
    error = "calibration/all/ece"
    others = "The others a coder picks from further down the list, or adds."
    cards = (
        (
            f"{what.capitalize()} to be coded, among the first ten",
            first,
            f"Of 100 {what} that must be coded, {{}} stand among the first ten suggestions.",
        ),
        ("Right, of what it is sure of", right, f"Of 100 codes suggested with {confident}, {{}} are right."),
        (
            "Found, of all that must be coded",
            found,
            f"Of 100 codes that must be coded, {{}} are suggested with {confident}. {others}",
        ),
        (
            "Gap between confidence and truth",
            error,
            "On average a stated confidence is {} away from the share that is right. 0 is perfect.",
        ),
    )
    sizes = report.sizes
    warnings = [
        (
            sizes.notes < _FEW_NOTES,
            f"{count(sizes.notes, 'note')} are few: read the ranges, not the figures alone.",
        ),
        (
            bool(sizes.unpredicted_notes),
            f"{count(sizes.unpredicted_notes, 'note')} without a prediction, counted as all missed.",
        ),
        (
            bool(sizes.unknown_predictions),
            f"{count(sizes.unknown_predictions, 'prediction')} of notes without human codes, not scored.",
        ),
        (
            bool(sizes.duplicates),
            f"{count(sizes.duplicates, 'suggestion')} repeating a code of its note: only the first counts.",
        ),
        (len(report.runs) > 1, f"The suggestions are of {len(report.runs)} different runs: see About."),
    ]
    return tag(
        "section",
        tag("h2", "In short"),
        tag("ul", [_card(*card, figures) for card in cards], class_="cards"),
        tag("p", recall_at_precision(report)),
        tag(
            "p",
            "The range under each figure is its 95 % interval: had other notes of the same kind been "
            "drawn, the "
            "figure would lie in it nineteen times in twenty."
            if report.bootstrap
            else "No intervals were asked for: how far chance moves these figures is not known.",
            class_="lead",
        ),
        [tag("p", words, class_="notice") for holds, words in warnings if holds],
        id="figures",
    )


def _card(name: str, path: str, told: str, figures: Figures) -> Html:
    value = figures[path].value
    if value is None:
        meaning = "Nothing to measure."
    elif path.endswith("/ece"):
        meaning = told.format(f"{value * 100:.1f}{NBSP}percentage points")
    else:
        meaning = told.format(f"{value * 100:.0f}")
    figure = figures[path]
    size = f"n{NBSP}{figure.size:,}"
    return tag(
        "li",
        tag("p", name, class_="name"),
        tag("p", figures.value(path, places=0), class_="figure"),
        tag("p", figures.interval(path, places=0, words="{low} to {high} · "), size, class_="range"),
        tag("p", meaning, class_="told"),
    )


def _every_figure(report: Report, figures: Figures) -> Html:
    shown = []
    for section in report.sections:
        rows = []
        for one in section.rows:
            rows.append(tag("tr", tag("th", one.label, colspan=5, scope="col"), class_="group"))
            for figure in one.figures:
                path = f"{section.key}/{one.key}/{figure.name}"
                rows.append(
                    row(
                        titled(figure.name),
                        figures.value(path),
                        figures.interval(path) or "\u2013",
                        f"{figure.size:,}",
                        figure.unit,
                    )
                )
        shown.append(
            tag(
                "details",
                tag("summary", section.title),
                tag("p", section.definition),
                table(("Figure", "Value", "95 % interval", "n", "of"), rows, class_="slices"),
            )
        )
    bins = [
        row(f"{one.low:.3f} to {one.high:.3f}", f"{one.size:,}", number(one.confidence), percent(one.right))
        for one in report.calibration.fixed
    ]
    header = ("Confidence", "n", "Mean confidence", "Share right")
    return tag(
        "section",
        tag("h2", "Every figure"),
        tag("p", "With its definition, interval and size. The same figures are in the JSON report."),
        shown,
        tag(
            "details",
            tag("summary", "Reliability, ten bins of equal width"),
            table(header, bins, class_="plain"),
        ),
        id="every-figure",
    )


def _about(report: Report) -> Html:
    sizes = report.sizes
    facts: list[tuple[str, Child]] = [
        ("Notes", f"{report.split}: {sizes.notes:,}, of them {sizes.notes_with_gold:,} with human codes"),
        (
            "Human codes",
            f"{sizes.gold_codes:,}: {sizes.core_codes:,} core, {sizes.optional_codes:,} optional",
        ),
        (
            "Suggestions",
            f"{sizes.suggestions:,}"
            + (f", and {sizes.em_apart:,} of visit levels (E/M), scored apart" if sizes.em_apart else ""),
        ),
        ("Threshold given", f"{report.threshold:.2f}"),
        (
            "Intervals",
            f"95 %, bootstrap over notes, {report.bootstrap:,} samples, seed {report.seed}"
            if report.bootstrap
            else "none",
        ),
        *(("Made by", one.to_text()) for one in report.runs),
    ]
    return tag(
        "section",
        tag("h2", "About these figures"),
        tag("dl", [[tag("dt", name), tag("dd", told)] for name, told in facts]),
        tag("h3", "Words used"),
        tag("dl", [[tag("dt", name), tag("dd", told)] for name, told in _GLOSSARY]),
        tag("h3", "What they do not say"),
        tag(
            "p",
            "They hold for notes like these. Other clinics, other kinds of notes and other coders differ: "
            "measure "
            "on notes of your own that nobody tuned anything on. Human codes are readings too; two careful "
            "people do not agree on every code, so no software can be measured more finely than that.",
        ),
        id="about",
    )
