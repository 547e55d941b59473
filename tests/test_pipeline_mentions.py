"""The mention finder: what it hands to the matcher, what it writes to the document."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from engine_world import small_terms
from spacy.language import Language
from spacy.tokens import Doc

from suggester.codesets import Catalog
from suggester.codesets.terms import Source, Target, TermIndex
from suggester.pipeline import COMPONENTS, build_reader
from suggester.pipeline.matching import Matches
from suggester.pipeline.mentions import (
    COMPLETE,
    MATCHES_KEY,
    SPANS_KEY,
    WORDS_KEY,
    MentionFinder,
    create_mentions,
    keep_open,
    label_of,
)
from suggester.pipeline.wordids import WordIds


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> TermIndex:
    return small_terms(tmp_path_factory.mktemp("mentions"))


@pytest.fixture(scope="module")
def reader(terms: TermIndex) -> Language:
    return build_reader(terms)


def spans(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans[SPANS_KEY]]


def words_read(doc: Doc) -> list[str]:
    words: WordIds = doc.user_data[WORDS_KEY]
    return [doc[token].text for token in words.place_token]


def test_the_reader_runs_its_components_in_order(reader: Language) -> None:
    assert reader.pipe_names == [*COMPONENTS, "suggester_mentions"]


def test_complete_matches_become_spans_with_their_label_in_order(reader: Language) -> None:
    doc = reader("Taxi ride after blood draw, given toradol and ketorolac for chest pain.")
    assert spans(doc) == [
        ("Taxi ride", "supply"),
        ("blood draw", "procedure"),
        ("toradol", "drug"),
        ("ketorolac", "drug"),
        ("chest pain", "diagnosis"),
    ]


def test_part_of_a_term_is_matched_but_is_no_span(reader: Language, terms: TermIndex) -> None:
    doc = reader("congestive failure")
    matches: Matches = doc.user_data[MATCHES_KEY]
    assert [terms.phrases[int(t)] for t in matches.term] == ["congestive heart failure"]
    assert (matches.coverage < COMPLETE).all()
    assert spans(doc) == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1. Chest pain\n2. Diabetes", ["Chest", "pain", "Diabetes"]),
        ("1) Chest pain\n(2) Diabetes", ["Chest", "pain", "Diabetes"]),
        ("a. Chest pain\nb. Diabetes", ["Chest", "pain", "Diabetes"]),
        ("Stage 3 pain\n3 lesion", ["Stage", "3", "pain", "3", "lesion"]),
        ("- Chest pain", ["Chest", "pain"]),
        ("1.\nDiabetes", ["Diabetes"]),
    ],
)
def test_numbers_and_letters_of_list_markers_are_no_words(
    reader: Language, text: str, read: list[str]
) -> None:
    assert words_read(reader(text)) == read


def test_the_section_reaches_the_senses_of_an_abbreviation(reader: Language) -> None:
    mental = reader.get_pipe("suggester_mentions").terms.vocabulary["mental"]
    for title, there in (("PHYSICAL EXAM", True), ("PLAN", False)):
        words: WordIds = reader(f"{title}:\nMS alert").user_data[WORDS_KEY]
        assert (mental in words.ids) is there, title


def test_matching_computes_and_writes_nothing(reader: Language) -> None:
    finder = reader.get_pipe("suggester_mentions")
    doc = reader("chest pain")
    before = set(doc.user_data)
    for key in (WORDS_KEY, MATCHES_KEY):
        del doc.user_data[key]
    words, matches = finder.match(doc)
    assert WORDS_KEY not in doc.user_data
    finder.set_annotations(doc, words, matches)
    assert set(doc.user_data) == before


def test_an_empty_note_is_read(reader: Language) -> None:
    doc = reader("")
    assert spans(doc) == []
    assert len(doc.user_data[MATCHES_KEY]) == 0


def test_the_factory_opens_an_index_once_and_takes_one_that_is_open(terms: TermIndex, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    copied = tmp_path / "copied.terms"
    copied.write_bytes(terms.path.read_bytes())
    first = create_mentions(nlp, "one", str(copied), spans=True)
    assert isinstance(first, MentionFinder)
    assert create_mentions(nlp, "two", str(copied), spans=True).terms is first.terms
    assert first.terms.path == copied
    keep_open(terms)
    assert create_mentions(nlp, "three", str(terms.path), spans=False).terms is terms


def test_every_term_has_the_label_of_its_target(catalog: Catalog) -> None:
    terms = catalog.release_set()[0].terms
    expected = {Target.ICD10CM: "diagnosis", Target.CPT: "procedure", Target.DRUG: "drug"}
    seen = set()
    for term in range(0, len(terms.term_row), 13):
        target, source = Target(int(terms.term_target[term])), Source(int(terms.term_source[term]))
        administered = source == Source.HCPCS_DRUG
        wanted = expected.get(target, "drug" if administered else "supply")
        assert label_of(terms, term) == wanted
        seen.add((target, administered))
    assert seen == {
        (Target.ICD10CM, False),
        (Target.CPT, False),
        (Target.HCPCS, False),
        (Target.HCPCS, True),
        (Target.DRUG, False),
    }
