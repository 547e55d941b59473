"""The comparison of two runs as one file that opens anywhere."""

from __future__ import annotations

from datetime import date

from suggester.evaluation.compare import Comparison, Difference
from suggester.evaluation.figures import rounded
from suggester.evaluation.html_chart import difference_bar
from suggester.evaluation.html_figures import NBSP, Figures, count, table
from suggester.evaluation.html_markup import Child, Html, document, tag
from suggester.evaluation.html_style import CSS
from suggester.evaluation.text import titled

_TITLE = "Is one run better than the other?"
_SURE = 0.05


def comparison_page(comparison: Comparison, *, dated: date | None = None) -> str:
    """Make the page. Same arguments, same bytes: it reads no clock."""
    a, b = comparison.names
    flat = {}
    for one in comparison.differences:
        flat[f"{one.name}/a"], flat[f"{one.name}/b"] = one.a, one.b
    figures = Figures(flat)
    reach = max(
        (
            abs(end)
            for one in comparison.differences
            for end in (one.difference, one.low, one.high)
            if end is not None
        ),
        default=0.0,
    )
    rows = [_row(one, figures, reach=reach or 1.0) for one in comparison.differences]
    verdicts = [verdict(one) for one in comparison.differences]
    method = (
        "Intervals: paired bootstrap over notes, 95 %. p: two-sided permutation test that swaps the runs "
        "note by "
        f"note. {comparison.samples:,} samples, seed {comparison.seed}."
        if comparison.samples
        else "No samples were drawn: neither intervals nor tests."
    )
    body = [
        tag(
            "header",
            tag("p", "Suggester · comparison of two runs", class_="kicker"),
            tag("h1", _TITLE),
            tag(
                "p",
                tag("strong", b),
                " against ",
                tag("strong", a),
                f", on the same {count(comparison.notes, 'note')}.",
                f" {dated.isoformat()}." if dated is not None else "",
            ),
        ),
        tag(
            "main",
            tag(
                "section",
                tag("h2", "In short"),
                tag("p", _summary(verdicts, a, b), class_="lead"),
                table(
                    ("", a, b, "Difference", "p", "Verdict"),
                    rows,
                    class_="compare",
                    widths=(1, 1, 1, 2, 1, 1),
                ),
                id="figures",
            ),
            tag(
                "section",
                tag("h2", "How to read it"),
                tag(
                    "p",
                    f"The difference is {b} less {a}. A dot right of the line favours {b}, left of it "
                    f"{a}; the bar is what chance leaves "
                    "open. "
                    "Better or worse is said only where the whole bar lies on one side and a difference "
                    "so large "
                    f"would come by chance in less than {_SURE * 100:.0f} of 100 cases. With many figures "
                    "one in "
                    "twenty may look different by chance: decide beforehand which one counts.",
                ),
                tag("p", method),
                tag(
                    "p",
                    f"Confident: confidence {comparison.threshold:.2f} or more. Best F1: each run at its "
                    "own best "
                    "threshold, chosen on these same notes.",
                ),
                id="about",
            ),
        ),
        tag("footer", "Made by Suggester from the figures that suggester evaluate --against prints."),
    ]
    return document(f"{_TITLE} {b} against {a}", body, css=CSS)


def verdict(one: Difference) -> str:
    """``better``, ``worse``, ``no clear difference``, or ``not measured`` for the second run."""
    if one.difference is None or one.low is None or one.high is None or one.p_value is None:
        return "not measured"
    if one.p_value < _SURE and one.low > 0:
        return "better"
    if one.p_value < _SURE and one.high < 0:
        return "worse"
    return "no clear difference"


def _summary(verdicts: list[str], a: str, b: str) -> str:
    better, worse = verdicts.count("better"), verdicts.count("worse")
    measured = len(verdicts) - verdicts.count("not measured")
    if not measured:
        return "There is no test to read: no figure has an interval in both runs."
    return (
        f"{b} is clearly better than {a} in {better} of {measured} figures and clearly worse in {worse}; "
        "in the "
        f"other {measured - better - worse} the notes do not tell them apart."
    )


def _row(one: Difference, figures: Figures, *, reach: float) -> Html:
    bar: Child = None
    words: Child = "n/a"
    if one.difference is not None:
        interval = (
            "" if one.low is None or one.high is None else f"{one.low * 100:+.1f} to {one.high * 100:+.1f}"
        )
        bar = difference_bar(one.difference, one.low, one.high, reach=reach, told=f"{one.difference:+.3f}")
        value = tag(
            "data",
            f"{one.difference * 100:+.1f}{NBSP}points",
            value=str(rounded(one.difference)),
            data_figure=f"{one.name}/difference",
        )
        words = [value, tag("small", interval)]
    cells: list[Html] = []
    for side in ("a", "b"):
        path = f"{one.name}/{side}"
        inside = [figures.value(path), tag("small", figures.interval(path))]
        cells.append(tag("td", inside, class_="number"))
    return tag(
        "tr",
        tag("th", titled(one.name), scope="row"),
        cells,
        tag("td", bar),
        tag("td", words, class_="number"),
        tag("td", "n/a" if one.p_value is None else f"{one.p_value:.4f}", class_="number"),
        tag("td", verdict(one), class_="number"),
    )
