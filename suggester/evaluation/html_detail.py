"""Where it is good and where it is not: fates, audit, groups, levels, mistakes, learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suggester.evaluation.confusions import Confusion, Example
from suggester.evaluation.html_chart import Axis, Plot, percent_axis, stacked_bar
from suggester.evaluation.html_figures import NBSP, Figures, count, percent, row, table
from suggester.evaluation.html_markup import Child, Html, tag
from suggester.evaluation.html_trust import legend
from suggester.evaluation.learning import LearningPoint
from suggester.evaluation.report import Report, Row, Section
from suggester.evaluation.text import titled
from suggester.types import SYSTEMS

_FATES = (
    ("found", "s1", "Found", "suggested with enough confidence"),
    ("below_threshold", "s2", "Suggested, less surely", "in the list, below the threshold"),
    ("read_not_coded", "s3", "Read, not coded", "in the not-coded ledger, with the reason"),
    ("never_seen", "s4", "Never seen", "neither suggested nor in the ledger"),
)
_AUDIT = (
    ("audit_agreed", "s1", "Agreed", "an acceptable code was suggested"),
    ("audit_changed", "s2", "Changed", "a wrong code of the right family"),
    ("audit_missed", "s4", "Missed", "no code of that family"),
)
_FATE_WORDS = {
    "below_threshold": "suggested, less surely",
    "read_not_coded": "read, not coded",
    "never_seen": "never seen",
}
_MORE_WORDS = {
    "evidence_overlap": "words overlap the marked ones",
    "evidence_inside": "words lie inside the marked ones",
    "evidence_overlap_confident": "overlap, of the confident",
    "evidence_inside_confident": "inside, of the confident",
    "em_first": "the first suggested level is right",
    "em_any": "some suggested level is right",
    "em_confident": "a confident one is right",
    "em_precision": "of notes with a confident one, right",
}
_GROUP_COLUMNS = (
    ("core_recall_at_10", "Codes to be coded, among the first ten"),
    ("core_recall_confident", "Codes to be coded, suggested with confidence"),
    ("acceptable_precision_confident", "Suggested with confidence, right"),
)


def fate_section(report: Report, figures: Figures) -> Html:
    """What became of the codes that had to be coded, and the audit."""
    core = report.sizes.core_codes
    added = "audit/all/audit_added"
    return tag(
        "section",
        tag("h2", "What becomes of the codes that must be coded?"),
        tag(
            "p",
            f"{count(core, 'core code')} had to be coded in these notes. Confident means suggested with "
            f"confidence {report.threshold:.2f} or more.",
        ),
        _stack("fates/all/", _FATES, figures, "Where the core codes went"),
        tag("h3", "As an auditor counts"),
        tag(
            "p",
            "The reviewer’s core codes are the denominator; the software’s are the confident ones. Beyond "
            "what "
            "is shown, codes were added for nothing: ",
            figures.value(added),
            " of the reviewer’s number",
            figures.interval(added, words=" ({low} to {high})"),
            ". The strict score, agreed codes over the reviewer’s and the added, is ",
            figures.value("audit/all/audit_strict"),
            figures.interval("audit/all/audit_strict", words=" ({low} to {high})"),
            ".",
        ),
        _stack("audit/all/", _AUDIT, figures, "Code-over-code audit"),
        id="fates",
    )


def _stack(
    prefix: str, parts: Sequence[tuple[str, str, str, str]], figures: Figures, title: str
) -> list[Html]:
    known = [(name, kind, figures[prefix + name].value or 0.0) for name, kind, _, _ in parts]
    told = f"{title}: " + ", ".join(
        f"{words.lower()} {percent(share)}"
        for (_, _, words, _), (_, _, share) in zip(parts, known, strict=True)
    )
    return [
        stacked_bar([(kind, share) for _, kind, share in known], told=told),
        tag(
            "ul",
            [
                tag(
                    "li",
                    tag("p", swatch(kind), words, class_="name"),
                    figures.value(prefix + name),
                    tag("small", " ", figures.interval(prefix + name)),
                    tag("div", meaning),
                )
                for name, kind, words, meaning in parts
            ],
            class_="shares",
        ),
    ]


def swatch(kind: str) -> Html:
    """A small square in the colour of a part of a bar."""
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=12, height=12, rx=2, class_=kind),
        viewBox="0 0 12 12",
        aria_hidden="true",
    )


def group_section(report: Report, figures: Figures) -> Html:
    """Bars by system, frequency, kind, setting, part and chapter."""
    groups = {one.key: one for one in report.sections if one.layout == "table"}
    chapters = groups.pop("by_chapter", None)
    kinds = groups.pop("by_kind", None)
    shown = [*groups.values(), *(one for one in (kinds, chapters) if one is not None)]
    rows: list[Html] = []
    for group in shown:
        rows.append(tag("tr", tag("th", group.title, colspan=8, scope="col"), class_="group"))
        rows += _group_rows(group, figures)
    return tag(
        "section",
        tag("h2", "Where is it good, and where not?"),
        tag(
            "p",
            "Bars are shares; the line through a bar is its 95 % interval, and n the number of codes "
            "behind it. "
            "A bar without a line is of too few notes, or of notes all alike. Do not rank groups by bars.",
        ),
        table(
            ("Group", "Notes", *(words for _, words in _GROUP_COLUMNS)),
            rows,
            class_="slices",
            widths=(1, 1, 2, 2, 2),
        ),
        id="groups",
    )


def _group_rows(group: Section, figures: Figures) -> list[Html]:
    made = []
    for one in sorted(group.rows, key=_system_first):
        notes = "".join(filter(str.isdigit, one.label.removeprefix(one.key)))
        cells = [
            cell for name, _ in _GROUP_COLUMNS for cell in figures.cells(f"{group.key}/{one.key}/{name}")
        ]
        made.append(row(one.key, notes, *cells))
    return made


def _system_first(one: Row) -> int:
    """Chapters of diagnoses before those of services; all else stays in its order."""
    systems = [place for place, system in enumerate(SYSTEMS) if one.key.startswith(f"{system} ")]
    return systems[0] if systems else 0


def level_section(report: Report, figures: Figures) -> Html:
    """Exact codes, categories and chapters, for comparison with published figures; evidence and E/M."""
    keys = {one.key: one for one in report.sections}
    has_best = any(one.key == "best" for one in keys["exact"].rows)
    rows = []
    for level in ("exact", "category", "chapter"):
        paths = [f"{level}/threshold/micro_{name}" for name in ("precision", "recall", "f1")]
        paths.append(f"{level}/best/micro_f1" if has_best else f"{level}/threshold/micro_f1")
        paths += [f"{level}/ranking/map", f"{level}/ranking/candidate_recall"]
        known = report.flat()
        cells: list[Child] = [figures.with_interval(path) if path in known else "\u2013" for path in paths]
        rows.append(row(keys[level].title, *cells))
    more = []
    for key in ("evidence", "em"):
        if key in keys:
            more.append(_small_table(keys[key], figures))
    return tag(
        "section",
        tag("h2", "Beside published figures"),
        tag(
            "p",
            "Papers count every human code and accept that very code only. Compare like with like: the same "
            "notes, the same code list, the same training. Best F1: at the threshold that suits these same "
            "notes best, as many papers report it.",
        ),
        table(
            (
                "Counted as",
                f"Precision at {report.threshold:.2f}",
                f"Recall at {report.threshold:.2f}",
                f"F1 at {report.threshold:.2f}",
                "Best F1",
                "Mean average precision",
                "Anywhere in the list",
            ),
            rows,
            class_="plain",
        ),
        tag("div", more, class_="pair"),
        id="levels",
    )


def _small_table(section: Section, figures: Figures) -> Html:
    rows = []
    for one in section.rows:
        for figure in one.figures:
            path = f"{section.key}/{one.key}/{figure.name}"
            words = _MORE_WORDS.get(figure.name) or titled(figure.name)
            rows.append(row(words, figures.with_interval(path), f"{figure.size:,}"))
    return tag(
        "figure",
        table(("", "Share", "n"), rows, caption=section.title, class_="plain"),
        tag("figcaption", section.definition),
    )


def learning_section(points: Sequence[LearningPoint]) -> Html:
    """How accuracy grows with the notes that it was trained on."""
    last = points[-1]
    most = max(last.notes, 1)
    ticks = [most * index / 4 for index in range(5)]
    plot = Plot(
        key="learning",
        title="Learning curve",
        description="; ".join(
            f"{one.notes} notes: mean average precision {one.map:.3f}, F1 {one.f1:.3f}" for one in points
        ),
        x=Axis(
            low=0.0, high=float(most), ticks=ticks, title="notes trained on", shown=lambda at: f"{at:,.0f}"
        ),
        y=percent_axis("%"),
    )
    banded = [one for one in points if one.low is not None and one.high is not None]
    if len(banded) > 1:
        plot.band(
            [(float(one.notes), one.low or 0.0) for one in banded],
            [(float(one.notes), one.high or 0.0) for one in banded],
            "first",
        )
    for kind, name in (("first", "map"), ("second", "f1")):
        values = [(float(one.notes), float(getattr(one, name))) for one in points]
        plot.line(values, kind)
        for (at, value), one in zip(values, points, strict=True):
            plot.dot((at, value), kind, f"{one.notes} notes: {percent(value)}")
    interval = (
        "" if last.low is None or last.high is None else f" ({last.low * 100:.1f} to {percent(last.high)})"
    )
    return tag(
        "section",
        tag("h2", "Does it learn from coded notes?"),
        tag(
            "div",
            tag(
                "figure",
                legend(("first", "mean average precision, with its interval"), ("second", "F1")),
                plot.html(),
            ),
            tag(
                "div",
                tag(
                    "p",
                    "Each point is a model that learned from so many coded notes, measured on the same notes "
                    "held back from all of them.",
                ),
                tag(
                    "p",
                    "With ",
                    tag("strong", count(last.notes, "note")),
                    f": mean average precision {percent(last.map)}{interval}, F1 {percent(last.f1)}. With "
                    f"{count(points[0].notes, 'note')}: {percent(points[0].map)} and "
                    f"{percent(points[0].f1)}.",
                ),
            ),
            class_="pair",
        ),
        id="learning",
    )


def mistake_section(report: Report, titles: Mapping[str, str], *, quotes: bool) -> Html:
    """The costliest mistakes, with the sentences they were made on."""
    result = report.confusions
    groups = (
        ("Wrong code of the right family", result.confused, "no code was taken for another of its family"),
        ("Missed, with no such rival", result.missed, "no core code was missed"),
        ("Suggested for nothing", result.spurious, "nothing was suggested for nothing"),
    )
    return tag(
        "section",
        tag("h2", "The costliest mistakes"),
        tag(
            "p",
            "Cost: 1 for each core code missed, plus the confidence of each wrong code suggested with "
            f"{report.threshold:.2f} or more. "
            + (
                "Sentences are from the notes: keep this page where the notes are kept."
                if quotes
                else "The sentences are left out of this page."
            ),
        ),
        [
            [
                tag("h3", title),
                _mistakes(group, titles, quotes=quotes)
                if group
                else tag("p", f"None: {none}.", class_="faint"),
            ]
            for title, group, none in groups
        ],
        id="mistakes",
    )


def _mistakes(group: Sequence[Confusion], titles: Mapping[str, str], *, quotes: bool) -> Html:
    rows = []
    missed = any(one.fates for one in group)
    for one in group:
        codes: list[Child] = [_code(one.gold or one.rival or "", titles)]
        if one.gold is not None and one.rival is not None:
            codes.append(tag("span", "suggested instead: ", _code(one.rival, titles), class_="instead"))
        fates = ", ".join(
            _FATE_WORDS.get(name, name) + (f" ({times})" if len(one.fates) > 1 else "")
            for name, times in one.fates
        )
        cells: list[Child] = [str(one.times), f"{one.cost:.2f}"]
        if missed:
            cells.append(tag("td", fates, class_="why"))
        if quotes:
            cells.append(tag("td", [_quote(example) for example in one.examples[:1]], class_="quote"))
        rows.append(row(codes, *cells))
    header = ["Code", "Notes", "Cost"]
    header += ["What became of it"] if missed else []
    header += ["For example"] if quotes else []
    return table(header, rows, class_="mistakes")


def _code(key: str, titles: Mapping[str, str]) -> Child:
    title = titles.get(key)
    return [tag("code", key, class_="code"), tag("span", title, class_="title") if title else None]


def _quote(example: Example) -> Child:
    if not example.sentence:
        return [tag("span", "no words are marked in the human codes", class_="faint"), _note(example)]
    words = example.words
    if words is None or words.start == words.end:
        return [example.sentence, _note(example)]
    return [
        example.sentence[: words.start],
        tag("mark", example.sentence[words.start : words.end]),
        example.sentence[words.end :],
        _note(example),
    ]


def _note(example: Example) -> Html:
    return tag("small", f"note{NBSP}{example.note_id}")


__all__ = [
    "fate_section",
    "group_section",
    "learning_section",
    "level_section",
    "mistake_section",
]
