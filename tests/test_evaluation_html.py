"""The pages: well-formed, inert whatever they are made of, asking for nothing, and true to the figures."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_evaluation_cases import gold_note, suggest
from test_evaluation_report import GOLD, RUN, evaluated

from suggester.errors import FieldError, JsonError, UnknownCodeError
from suggester.evaluation import compare, evaluate
from suggester.evaluation.answers import answers, found_of_system, gold_of_system
from suggester.evaluation.compare import Difference
from suggester.evaluation.figures import Figure, rounded
from suggester.evaluation.html_chart import (
    Axis,
    Plot,
    difference_bar,
    interval_bar,
    percent_axis,
    stacked_bar,
)
from suggester.evaluation.html_compare import comparison_page, verdict
from suggester.evaluation.html_figures import Figures, number, percent
from suggester.evaluation.html_markup import document, tag, text
from suggester.evaluation.html_report import report_page
from suggester.evaluation.learning import LearningPoint, read_learning_curve
from suggester.evaluation.slices import training_counts
from suggester.evaluation.titles import code_titles

VOID = {"meta"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style><script src=//evil.example/x.js></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<svg/onload=alert(1)>",
    "</text></svg><iframe srcdoc='<script>1</script>'>",
    "<!-- --><!doctype html><base href=https://evil.example/>",
    "]]><a href=https://evil.example>x</a>",
    "&lt;script&gt;&#60;script&#62;&amp;",
    "{{7*7}}${7*7}<%= 7 %>",
    "@import url(https://evil.example/a.css);",
    "\u202egnp.exe\u2066\x00\x1b[31m\ud800\ufffe",
)
CURVE = (
    LearningPoint(notes=10, map=0.3, f1=0.35, low=0.25, high=0.34),
    LearningPoint(notes=40, map=0.5, f1=0.52, low=0.45, high=0.55),
)


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, words, in order."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags = Counter()
        self.attributes = []
        self.open = []
        self.words = []
        self.css = ""
        self.data = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, given):
        assert len({key for key, _ in given}) == len(given)
        self.tags[name] += 1
        self.attributes += [(name, key, value) for key, value in given]
        if name not in VOID:
            self.open.append(name)
        if name == "data":
            self.data.append((dict(given), ""))

    def handle_startendtag(self, name, given):
        raise AssertionError(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.css += data
        else:
            self.words.append(data)
            if self.open and self.open[-1] == "data":
                self.data[-1] = (self.data[-1][0], data)

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_pi(self, data):
        raise AssertionError(data)

    @property
    def text(self):
        return "".join(self.words)

    def values(self, attribute):
        return [value for _, key, value in self.attributes if key == attribute]


def page_of(report, **options):
    return Page(report_page(report, **options))


def assert_inert(page):
    """Nothing in the page loads, runs, sends or leads anywhere."""
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"} & set(
        page.tags
    )
    for name, key, value in page.attributes:
        assert not key.startswith("on"), key
        assert key not in {"src", "srcdoc", "srcset", "style", "action", "ping", "xlink:href", "background"}
        if key == "href":
            assert re.fullmatch(r"#[a-z-]+", value), value
        if key == "http-equiv":
            assert (name, value) == ("meta", "Content-Security-Policy")
    assert "url(" not in page.css
    assert "@import" not in page.css
    (policy,) = (value for value in page.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def assert_true(page, flat):
    """Every figure stands in the page, and every one that does is as the report has it."""
    assert {given["data-figure"] for given, _ in page.data} >= set(flat)
    for kept, shown in page.data:
        figure = flat[kept["data-figure"]]
        for name in ("value", "low", "high"):
            key = name if name == "value" else f"data-{name}"
            expected = rounded(getattr(figure, name))
            assert kept[key] == ("" if expected is None else str(expected)), kept
        assert kept["data-size"] == str(figure.size)
        allowed = {percent(figure.value), percent(figure.value, places=0), number(figure.value)}
        assert shown in allowed, kept


# The page ------------------------------------------------------------------------------------------------


def test_page_is_well_formed_and_asks_for_nothing():
    page = page_of(evaluated(training_counts={"E119": 3}), learning=CURVE, dated=date(2026, 11, 21))
    assert_inert(page)
    assert page.tags["h1"] == 1
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    for named in page.values("aria-labelledby"):
        assert set(named.split()) <= set(ids)
    for link in page.values("href"):
        assert link.removeprefix("#") in ids
    assert set(page.values("role")) == {"img"}
    assert page.tags["svg"] > 20
    assert not re.search(r"\b(nan|inf|None)\b", page.text)
    assert not re.search(r"\b(nan|inf|None)\b", " ".join(page.values("points") + page.values("width")))


def test_figures_are_those_of_the_report():
    report = evaluated(training_counts={"E119": 3})
    assert_true(page_of(report), report.flat())


def test_headline_says_what_the_figures_mean():
    page = page_of(evaluated())
    assert "Of 100 codes suggested with confidence 0.50 or more, 60 are right." in page.text
    assert "Measured on 4\u00a0notes with 8\u00a0human codes (part check)" in page.text
    assert "4\u00a0notes are few" in page.text
    assert "1\u00a0note without a prediction" in page.text
    assert "version" in page.text
    assert "nineteen times in twenty" in page.text
    assert "nineteen times in twenty, had other such" in page.text
    assert "No intervals were asked for" in page_of(evaluated(bootstrap=0)).text


def test_every_section_is_there_and_the_optional_ones_only_with_their_data():
    plain, full = page_of(evaluated()), page_of(evaluated(training_counts={"I10": 1}), learning=CURVE)
    wanted = {"figures", "trust", "fates", "groups", "choice", "levels", "mistakes", "every-figure", "about"}
    assert wanted <= set(plain.values("id"))
    assert "learning" not in plain.values("id")
    assert "unseen in training" not in plain.text
    assert "learning" in full.values("id")
    assert "unseen in training" in full.text
    assert "40\u00a0notes" in full.text
    for title in ("Reliability diagram", "Precision-recall curve", "Threshold sweep", "Learning curve"):
        assert title in full.text


def test_sentences_are_shown_with_their_words_marked_or_left_out():
    page = page_of(evaluated())
    assert "Seen for " in page.text
    assert page.words[page.words.index("Seen for ") + 1 :][:2] == ["diabetes", "."]
    without = page_of(evaluated(), quotes=False)
    assert "Seen for" not in without.text
    assert "mark" not in without.tags
    assert "The sentences are left out" in without.text


def test_same_report_same_bytes_and_the_date_only_if_given():
    assert report_page(evaluated(seed=3)) == report_page(evaluated(seed=3))
    assert "2026-11-21" not in report_page(evaluated())
    assert "2026-11-21" in report_page(evaluated(), dated=date(2026, 11, 21))


def test_titles_stand_beside_codes():
    assert "title of it" in page_of(evaluated(), titles={"E11.65": "title of it"}).text


@pytest.mark.parametrize(
    ("gold", "run"),
    [
        ([], {}),
        ([gold_note("a")], {}),
        ([gold_note("a", "E11.9")], {}),
        ([gold_note("a")], {"a": suggest("a", "E11.9")}),
        ([gold_note("a", "E11.9 71046")], {"a": suggest("a", "E11.9:1 71046:0")}),
    ],
)
@pytest.mark.parametrize("bootstrap", [0, 20])
def test_degenerate_inputs_make_a_page(gold, run, bootstrap):
    report = evaluate(gold, run, bootstrap=bootstrap, threshold=1.0)
    page = page_of(report, learning=CURVE[:1])
    assert_inert(page)
    assert_true(page, report.flat())


def test_intervals_without_width_are_not_shown():
    figures = Figures({"a/b/c": Figure(name="c", value=1.0, low=1.0, high=1.0, size=3, unit="notes")})
    assert figures.interval("a/b/c") == ""
    assert "data-low=&quot;" not in figures.value("a/b/c").source
    assert 'data-low="1.0"' in figures.value("a/b/c").source


# Hostile text --------------------------------------------------------------------------------------------


def hostile_inputs(words):
    """Gold and suggestions that hold the words wherever something comes from outside."""
    note = f"Seen for {words}. Has {words} too."
    span = f"@9-{9 + len(words)}"
    gold = gold_note(
        f"id {words}", f"E11.9{span} I10 71046 J1100", kind=f"kind {words}", part=words, text=note
    )
    other = gold_note("other", "J44.9 R05.9?", setting=None, kind="plain", part="p", text=note)
    strange = replace(gold.codes[1], code=words, acceptable=frozenset({words}))
    gold = replace(gold, codes=(*gold.codes, strange))
    run = suggest(gold.note.id, f"E11.65:.9{span} R07.9:.8 99281:.7")
    code = replace(run.suggestions[1].code, code=f"{words}x", display=f"title {words}")
    marked = replace(run.suggestions[1], code=code)
    run = replace(
        run,
        run=replace(run.run, version=words, model=f"model {words}"),
        suggestions=(run.suggestions[0], marked, run.suggestions[2]),
    )
    return [gold, other], {gold.note.id: run}


def structure(page):
    return page.tags, Counter((name, key) for name, key, _ in page.attributes)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_stays_text(words):
    gold, run = hostile_inputs(words)
    report = evaluate(gold, run, bootstrap=5, split=words)
    titles = code_titles(report.confusions, run)
    assert any(words in title for title in titles.values())
    page = page_of(report, titles=titles, learning=CURVE)
    assert_inert(page)
    assert len({given["data-figure"] for given, _ in page.data}) == len(report.flat())
    harmless_gold, harmless_run = hostile_inputs("x" * len(words))
    harmless = evaluate(harmless_gold, harmless_run, bootstrap=5, split="x")
    same = page_of(harmless, titles=code_titles(harmless.confusions, harmless_run), learning=CURVE)
    assert set(page.tags) == set(same.tags)
    assert set(structure(page)[1]) == set(structure(same)[1])
    shown = re.sub("[\x00-\x08\x0b-\x1f\u202e\u2066\ud800\ufffe]", "\ufffd", words)
    assert shown in page.text
    report_page(report).encode("utf-8")


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_of_runs_stay_text(words):
    page = Page(comparison_page(compare(GOLD, RUN, {}, names=(words, f"b {words}"), samples=5)))
    assert_inert(page)
    assert page.tags == Page(comparison_page(compare(GOLD, RUN, {}, names=("a", "b"), samples=5))).tags


@given(st.text())
def test_escaped_text_holds_no_markup_and_can_be_written(words):
    written = text(words)
    assert not set("<>\"'") & set(written)
    written.encode("utf-8")
    assert Page(document("t", tag("p", words), css="")).text.endswith("\n")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("script", {}),
        ("iframe", {}),
        ("p", {"onclick": "x"}),
        ("p", {"style": "x"}),
        ("p", {"src": "x"}),
        ("a", {"href": "https://example.org"}),
        ("a", {"href": "javascript:1"}),
        ("a", {"href": "//example.org"}),
        ("a", {"href": "#a b"}),
    ],
)
def test_only_known_elements_and_attributes_are_written(name, attributes):
    with pytest.raises(ValueError, match="may"):
        tag(name, "x", **attributes)


def test_elements_and_attributes_are_escaped_once():
    assert tag("p", ["a<", tag("strong", "&"), None, 3], id=None, class_='"').source == (
        '<p class="&quot;">a&lt;<strong>&amp;</strong>3</p>'
    )
    with pytest.raises(ValueError, match="no <"):
        document("t", "x", css="</style>")


# Plots ---------------------------------------------------------------------------------------------------


def test_plot_places_points_between_its_ends():
    plot = Plot(key="k", title="t", description="d", x=percent_axis("x"), y=percent_axis("y"))
    left, bottom = plot.place((0.0, 0.0))
    right, top = plot.place((1.0, 1.0))
    middle = plot.place((0.5, 0.5))
    assert left < right <= plot.width
    assert top < bottom <= plot.height
    assert middle == (pytest.approx((left + right) / 2), pytest.approx((top + bottom) / 2))
    assert plot.place((7.0, -3.0)) == (right, bottom)


def test_plot_draws_what_it_is_given():
    axis = Axis(low=0.0, high=10.0, ticks=(0.0, 5.0, 10.0), title="notes & <more>", shown=str)
    plot = Plot(key="k", title="t", description="d", x=axis, y=percent_axis("y", high=0.5))
    plot.line([(0.0, 0.0)], "first")
    assert "polyline" not in plot.html().source
    plot.line([(0.0, 0.0), (10.0, 0.5)], "first")
    plot.band([(0.0, 0.0), (10.0, 0.1)], [(0.0, 0.2), (10.0, 0.3)], "first")
    plot.dot((5.0, 0.2), "second", "<told>")
    plot.rule(5.0, "here", end=True)
    plot.columns([(0.0, 5.0, 1.0, "many")], share=0.5, kind="size")
    source = plot.html().source
    for part in ("<polyline", "<polygon", "<circle", "<rect", "&lt;told&gt;", "notes &amp; &lt;more&gt;"):
        assert part in source


def test_small_bars_show_value_and_interval():
    assert 'width="50"' in interval_bar(0.5, 0.4, 0.6, told="x").source
    assert 'x1="40"' in interval_bar(0.5, 0.4, 0.6, told="x").source
    assert "whisker" not in interval_bar(0.5, 0.5, 0.5, told="x").source
    assert "whisker" not in interval_bar(1.5, None, None, told="x").source
    assert 'cx="196"' in difference_bar(2.0, None, None, reach=1.0, told="x").source
    assert 'x="250"' in stacked_bar([("s1", 0.25), ("s2", 0.75)], told="x").source


# The comparison ------------------------------------------------------------------------------------------


def test_comparison_page_is_inert_and_true():
    comparison = compare(GOLD, RUN, {"a": suggest("a", "I10:.9")}, names=("old", "new"), samples=30)
    page = Page(comparison_page(comparison, dated=date(2026, 11, 21)))
    assert_inert(page)
    shown = {given["data-figure"]: given["value"] for given, _ in page.data}
    for one in comparison.differences:
        assert shown[f"{one.name}/a"] == str(rounded(one.a.value))
        if one.difference is not None:
            assert shown[f"{one.name}/difference"] == str(rounded(one.difference))
    assert "new against old" in page.text
    assert "2026-11-21" in page.text
    assert comparison_page(comparison) == comparison_page(comparison)


@pytest.mark.parametrize("samples", [0, 5])
def test_comparison_of_nothing_makes_a_page(samples):
    assert "no test to read" in Page(comparison_page(compare([], {}, {}, samples=samples))).text


@pytest.mark.parametrize(
    ("difference", "low", "high", "p_value", "expected"),
    [
        (0.2, 0.1, 0.3, 0.01, "better"),
        (-0.2, -0.3, -0.1, 0.01, "worse"),
        (0.2, -0.1, 0.3, 0.01, "no clear difference"),
        (0.2, 0.1, 0.3, 0.05, "no clear difference"),
        (None, None, None, None, "not measured"),
        (0.2, None, None, None, "not measured"),
    ],
)
def test_verdict_needs_interval_and_test(difference, low, high, p_value, expected):
    figure = Figure(name="map", value=0.5, size=1, unit="notes")
    found = Difference(
        name="map", a=figure, b=figure, difference=difference, low=low, high=high, p_value=p_value
    )
    assert verdict(found) == expected


# What the page is made of --------------------------------------------------------------------------------


def test_learning_curve_is_read_in_order(tmp_path):
    path = tmp_path / "curve.json"
    path.write_text(
        '[{"notes": 40, "map": 0.5, "f1": 0.52},'
        ' {"notes": 10, "map": 0.3, "f1": 0.4, "low": 0.2, "high": 0.4}]'
    )
    assert [(one.notes, one.low) for one in read_learning_curve(path)] == [(10, 0.2), (40, None)]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", JsonError, "curve.json: must be a JSON list"),
        ("{}", JsonError, "must be a JSON list"),
        ("[]", JsonError, "must be a JSON list"),
        ("[3]", FieldError, "curve.json, point 1: record must be an object"),
        ('[{"notes": 1, "map": 0.5}]', FieldError, "'f1' is missing"),
        ('[{"notes": 1, "map": NaN, "f1": 0.5}]', FieldError, "'map' must be a number from 0 to 1"),
        ('[{"notes": 1, "map": 0.5, "f1": 0.5, "low": 0.1}]', FieldError, "'high' is missing"),
        (
            '[{"notes": 1, "map": 0.5, "f1": 0.5, "low": 0.6, "high": 0.7}]',
            FieldError,
            "between low and high",
        ),
        ('[{"notes": 1, "map": 0.5, "f1": 0.5, "more": 1}]', FieldError, "unknown field 'more'"),
        ('[{"notes": 1, "map": 0, "f1": 0}, {"notes": 1, "map": 0, "f1": 0}]', FieldError, "two points"),
    ],
)
def test_wrong_learning_curves_are_refused(tmp_path, content, error, message):
    path = tmp_path / "curve.json"
    path.write_text(content)
    with pytest.raises(error, match=re.escape(message)):
        read_learning_curve(path)


def test_titles_come_from_the_suggestions_and_then_from_the_code_sets():
    run = {name: result for name, result in RUN.items() if name != "c"}
    coded = replace(run["a"].suggestions[0].code, display="as suggested")
    run["a"] = replace(
        run["a"], suggestions=(replace(run["a"].suggestions[0], code=coded), *run["a"].suggestions[1:])
    )
    report = evaluate(GOLD, run, bootstrap=0)
    asked = []

    def lookup(system, code):
        asked.append((system, code))
        if code == "E11.9":
            return "as listed"
        if code == "J1100":
            return ""
        raise UnknownCodeError("no such code")

    assert code_titles(report.confusions, run, lookup=lookup) == {
        "E11.65": "as suggested",
        "E11.9": "as listed",
    }
    assert ("HCPCS", "J1100") in asked
    assert "E11.65" not in {code for _, code in asked}
    assert code_titles(report.confusions, run) == {"E11.65": "as suggested"}


def test_counts_of_training_notes_count_notes():
    notes = [gold_note("a", "E11.9 I10"), gold_note("b", "E11.9 E11.9? 71046", em="99213")]
    assert training_counts(notes) == {"71046": 1, "E11.9": 2, "I10": 1}


class Engine:
    def suggest(self, note):
        if note.id == "b":
            raise ValueError(f"cannot read {note.text}")
        return suggest(note.id, "E11.9 71046")


def test_answers_name_what_failed_without_its_text():
    given = answers([gold_note("a"), gold_note("b")], Engine())
    assert list(given.found) == ["a"]
    (failure,) = given.failures
    assert failure.startswith("b: ValueError at ")
    assert "diabetes" not in failure


def test_both_sides_are_narrowed_to_one_system():
    notes, found = [gold_note("a", "E11.9 71046 J1100", em="99213")], {"a": suggest("a", "E11.9 71046")}
    (services,) = gold_of_system(notes, "CPT")
    assert [code.code for code in services.codes] == ["71046"]
    assert services.em == {"99213"}
    (supplies,) = gold_of_system(notes, "HCPCS")
    assert supplies.em == frozenset()
    assert [one.code.code for one in found_of_system(found, "CPT")["a"].suggestions] == ["71046"]
    assert gold_of_system(notes, None) == notes
    assert found_of_system(found, None) == found


def test_report_tells_what_made_the_suggestions():
    report = evaluated()
    (share,) = report.runs
    assert share.notes == 3
    assert f"Made by {share.to_text()}" in report.to_text()
    (record,) = json.loads(json.dumps(report.to_record()))["runs"]
    assert record["codesets"] == dict(share.run.codesets)
    mixed = RUN | {"c": replace(RUN["c"], run=replace(RUN["c"].run, model="newer"))}
    report = evaluate(GOLD, mixed, bootstrap=0)
    assert [one.notes for one in report.runs] == [2, 1]
    assert "of 2 different runs" in page_of(report).text
