"""What the reader says of a note: sections, sides, headings, assertion bits."""

from __future__ import annotations

import pytest
from engine_world import bench_of

from suggester.codesets import Catalog
from suggester.pipeline import Reading, TextReader, automaton, build_reader
from suggester.pipeline.reading import FAMILY, HISTORICAL, HYPOTHETICAL, NEGATED, UNCERTAIN
from suggester.ranking.bench import Bench
from suggester.types import Assertion

NOTE = """Intro words

HPI: 55 yo with left knee pain.

ASSESSMENT AND PLAN
1. Right shoulder pain
- continue therapy for impingement
- no numbness
2. Type 2 diabetes: A1c 8.

FAMILY HISTORY
Mother had breast cancer.
"""


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.fixture(scope="module")
def reading(bench: Bench) -> Reading:
    return bench.read(NOTE)


def token(reading: Reading, word: str) -> int:
    return reading.table.lower.index(word)


def test_every_token_has_its_section_and_the_start_is_a_header(reading: Reading) -> None:
    kind = {
        word: reading.section_kind[token(reading, word)] for word in ("intro", "knee", "diabetes", "mother")
    }
    assert kind == {"intro": "header", "knee": "hpi", "diabetes": "assessment_plan", "mother": "family"}
    assert len(reading.section_kind) == len(reading.sentence) == len(reading.table.lower)


def test_the_bits_are_those_of_the_assertion_table(bench: Bench) -> None:
    named = {
        "negated": NEGATED,
        "uncertain": UNCERTAIN,
        "historical": HISTORICAL,
        "hypothetical": HYPOTHETICAL,
        "family": FAMILY,
    }
    assert {name: getattr(automaton, name.upper()) for name in named} == named
    read = bench.read("no rash. possible pneumonia. if fever, call. mother had gout.")
    at = token(read, "rash")
    assert read.flags(at, at, at) == NEGATED
    at = token(read, "pneumonia")
    assert read.flags(at, at, at) == UNCERTAIN
    assert read.assertion_at(at, at).uncertain


def test_flags_of_a_match_are_those_of_its_rarest_word_and_negation_of_its_ends(bench: Bench) -> None:
    read = bench.read("no rash but has chest pain")
    rash, pain = token(read, "rash"), token(read, "pain")
    assert read.flags(rash, pain, pain) == NEGATED
    assert read.assertion_of(rash, pain, pain).negated
    assert read.flags(pain, pain, pain) == 0
    assert read.flags(rash, pain, rash) == NEGATED
    read = bench.read("denies chest pain")
    assert read.flags(token(read, "chest"), token(read, "pain"), token(read, "pain")) == NEGATED


def test_a_negation_between_the_words_of_a_match_counts_unless_the_term_negates(bench: Bench) -> None:
    read = bench.read("pulses in both feet, no ulcers")
    feet, ulcers = token(read, "feet"), token(read, "ulcers")
    assert read.flags(feet, ulcers, feet) == NEGATED
    read = bench.read("no appetite")
    no, appetite = token(read, "no"), token(read, "appetite")
    assert read.flags(no, appetite, appetite) == NEGATED
    assert read.flags(no, appetite, appetite, own=NEGATED) == 0


def test_a_doubt_between_the_words_of_a_match_counts_unless_the_term_doubts(bench: Bench) -> None:
    read = bench.read("Anemia, mild - probably iron deficiency.")
    anemia, deficiency = token(read, "anemia"), token(read, "deficiency")
    for anchor in (anemia, deficiency):
        assert read.flags(anemia, deficiency, anchor) == UNCERTAIN
        assert [c.flag for c in read.assertion_of(anemia, deficiency, anchor).cues] == ["uncertain"]
    assert read.flags(anemia, anemia, anemia) == 0
    assert read.flags(anemia, deficiency, deficiency, own=UNCERTAIN) == 0
    read = bench.read("suspected exposure")
    suspected, exposure = token(read, "suspected"), token(read, "exposure")
    assert read.flags(suspected, exposure, exposure) == 0
    assert read.flags(exposure, exposure, exposure) == UNCERTAIN


def test_a_cue_inside_the_match_itself_does_not_count(bench: Bench) -> None:
    read = bench.read("History of breast cancer.")
    history, cancer = token(read, "history"), token(read, "cancer")
    found = read.assertion_at(cancer, cancer)
    assert found.historical
    assert read.outside(found, history, cancer) == Assertion()
    assert read.outside(found, cancer, cancer) is found
    both = bench.read("Possible history of breast cancer.")
    found = both.assertion_at(token(both, "cancer"), token(both, "cancer"))
    rest = both.outside(found, token(both, "history"), token(both, "cancer"))
    assert found.uncertain
    assert found.historical
    assert rest.uncertain
    assert not rest.historical
    assert {cue.flag for cue in rest.cues} == {"uncertain"}


def test_spans_quote_the_note(reading: Reading) -> None:
    left, pain = token(reading, "left"), token(reading, "pain")
    span = reading.span(left, pain)
    assert NOTE[span.start : span.end] == "left knee pain"


def test_problem_headings_stand_over_the_sentences_below_them(reading: Reading) -> None:
    below = reading.sentence[token(reading, "impingement")]
    title = reading.sentence[token(reading, "shoulder")]
    assert reading.heading[below] == (title, token(reading, "right"))
    assert title not in reading.heading
    assert reading.sentence[token(reading, "mother")] not in reading.heading
    assert {token(reading, "right"), token(reading, "shoulder")} <= reading.heading_tokens
    assert token(reading, "impingement") not in reading.heading_tokens


def test_context_holds_the_words_of_the_heading_above(bench: Bench, reading: Reading) -> None:
    ids = bench.releases.terms.vocabulary
    below = reading.context(reading.sentence[token(reading, "impingement")])
    assert {ids["shoulder"], ids["impingement"]} <= below
    assert ids["knee"] not in below
    assert ids["impingement"] not in reading.context(reading.sentence[token(reading, "shoulder")])
    assert reading.context(10_000) == frozenset()
    assert reading.context(reading.sentence[token(reading, "impingement")]) is below


def test_the_first_word_of_each_line_is_marked_and_numbers_are_passed_over(reading: Reading) -> None:
    starts = {reading.table.lower[t] for t in reading.line_starts}
    assert starts == {"intro", "hpi", "assessment", "right", "continue", "no", "type", "family", "mother"}


@pytest.mark.parametrize(
    ("text", "word", "side"),
    [
        ("left knee pain", "pain", 2),
        ("right knee pain", "pain", 1),
        ("bilateral knee pain", "pain", 3),
        ("pain of both knees", "pain", 3),
        ("knee pain", "pain", 0),
        ("right hip fracture, left knee pain", "fracture", 1),
        ("right hip fracture, left knee pain", "pain", 2),
        ("left shoulder strain. knee pain", "pain", 0),
        ("pain in the right knee and left hip gout", "gout", 2),
    ],
)
def test_the_side_is_the_nearest_in_the_sentence(bench: Bench, text: str, word: str, side: int) -> None:
    read = bench.read(text)
    at = token(read, word)
    assert read.side(at, read.sentence[at]) == side


def test_the_side_of_a_problem_heading_holds_below_it_unless_another_is_said(
    bench: Bench, reading: Reading
) -> None:
    at = token(reading, "impingement")
    assert reading.side(at, reading.sentence[at]) == 1
    at = token(reading, "diabetes")
    assert reading.side(at, reading.sentence[at]) == 0
    own = bench.read(NOTE.replace("for impingement", "for left impingement"))
    at = token(own, "impingement")
    assert own.side(at, own.sentence[at]) == 2


def test_attributes_of_a_mention_are_those_of_its_words(bench: Bench) -> None:
    read = bench.read("Severe pain of the left knee.")
    pain = token(read, "pain")
    found = {(a.name, a.value) for a in read.attributes_at(pain, pain)}
    assert {("laterality", "left"), ("severity", "severe")} <= found


@pytest.mark.parametrize("text", ["", "\n\n", " ", "...", "1.", "# \n##\n"])
def test_a_note_that_says_nothing_is_read(bench: Bench, text: str) -> None:
    read = bench.read(text)
    assert len(read.matches) == 0
    assert read.context(0) == frozenset()


def test_a_heading_without_anything_below_it_stands_over_nothing(catalog: Catalog) -> None:
    reader = build_reader(catalog.release_set()[0].terms)
    read = Reading.of(reader("ASSESSMENT AND PLAN\n1. Gout\n2. Right knee pain\n\n"))
    assert all(title != number for number, (title, _) in read.heading.items())
    assert read.side(token(read, "gout"), read.sentence[token(read, "gout")]) == 0


@pytest.mark.parametrize("text", [NOTE, NOTE.replace("\n", "\r\n"), "", "No \ud800 fever, caf\u00e9"])
def test_a_text_is_read_as_the_pipeline_reads_it(catalog: Catalog, text: str) -> None:
    terms = catalog.release_set()[0].terms
    read, piped = TextReader.over(terms).read(text), Reading.of(build_reader(terms, spans=False)(text))
    assert read.table.text == piped.table.text
    assert read.sections == piped.sections
    assert (read.section_kind, read.sentence, read.heading) == (
        piped.section_kind,
        piped.sentence,
        piped.heading,
    )
    assert read.assertion.scopes == piped.assertion.scopes
    assert read.attributes.found == piped.attributes.found
    assert read.words.place_token == piped.words.place_token
    for name in ("term", "first", "final", "anchor", "coverage", "dominated"):
        assert getattr(read.matches, name).tolist() == getattr(piped.matches, name).tolist()
