from __future__ import annotations

import pytest
from rapidfuzz.distance import OSA

from suggester.codesets import Catalog
from suggester.codesets.spelling import MIN_LENGTH, Speller, read_plain_words
from suggester.codesets.terms import TermIndex


@pytest.fixture(scope="module")
def terms(catalog: Catalog) -> TermIndex:
    return catalog.release_set()[0].terms


@pytest.fixture(scope="module")
def speller(terms: TermIndex) -> Speller:
    return Speller(terms)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("pnuemonia", "pneumonia"),
        ("pneumona", "pneumonia"),
        ("hypertenson", "hypertension"),
        ("appendicits", "appendicitis"),
        ("fibrilation", "fibrillation"),
        ("asthmma", "asthma"),
        # clipped
        ("osteomyel", "osteomyelitis"),
        ("thrombocytop", "thrombocytopenia"),
        ("clarithro", "clarithromycin"),
    ],
)
def test_misspelled_word_of_a_note_is_corrected(
    terms: TermIndex, speller: Speller, wrong: str, right: str
) -> None:
    assert speller.correct(wrong) == terms.vocabulary[right]


@pytest.mark.parametrize(
    "word", ["anders", "atack", "", "x", "zzzzzzzz", "12345678", "xneumonia", "pmeunonia", "L4-L5"]
)
def test_word_of_a_note_that_is_short_or_far_stays(speller: Speller, word: str) -> None:
    assert speller.correct(word) is None


def test_correction_agrees_with_a_slow_search(terms: TermIndex, speller: Speller) -> None:
    known = [w for w, i in terms.vocabulary.items() if terms.frequency[i] and w.isalpha()]
    for word in [w for w in known if len(w) > MIN_LENGTH][::900]:
        wrong = word[:3] + word[4:]
        if len(wrong) < MIN_LENGTH or wrong in terms.vocabulary:
            continue
        near = [w for w in known if w[0] == wrong[0] and len(w) >= 5 and OSA.distance(w, wrong) <= 1]
        expected = min(near, key=lambda w: (-int(terms.frequency[terms.vocabulary[w]]), w))
        assert speller.correct(wrong) == terms.vocabulary[expected], wrong


@pytest.mark.parametrize(
    ("wrong", "right", "edits"),
    [("atack", "attack", 1), ("neumonia", "pneumonia", 1), ("hipothyrodism", "hypothyroidism", 2)],
)
def test_searched_word_finds_more(
    terms: TermIndex, speller: Speller, wrong: str, right: str, edits: int
) -> None:
    assert (terms.vocabulary[right], edits) in speller.near(wrong, limit=6)
    assert len(speller.near(wrong, limit=1)) == 1


@pytest.mark.parametrize("word", ["", "abc", "a1b2c3", "a" * 41])
def test_searched_word_that_is_no_word_finds_nothing(speller: Speller, word: str) -> None:
    assert speller.near(word, limit=6) == []


@pytest.mark.parametrize(
    "word",
    [
        *("cancel", "podiatric", "abducted", "splinted", "serious", "extramural", "either", "hiding"),
        *("cooper", "elizabeth", "marian", "norman", "trevor", "walter", "prague", "manila"),
    ],
)
def test_word_that_is_right_as_it_is_is_not_corrected(
    terms: TermIndex, speller: Speller, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    assert speller.correct(word) is None
    monkeypatch.setattr(speller, "_plain", frozenset())
    assert speller.correct(word) is not None


def test_plain_words_are_needed_and_no_words_of_terms(
    terms: TermIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = read_plain_words()
    assert not plain & terms.vocabulary.keys()
    free = Speller(terms)
    monkeypatch.setattr(free, "_plain", frozenset())
    assert [word for word in sorted(plain) if free.correct(word) is None] == []
