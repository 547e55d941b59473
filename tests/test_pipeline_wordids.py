"""From words to ids of the index: every rule on a small index whose words and senses the test owns."""

from __future__ import annotations

import numpy as np
import pytest
from engine_world import read_words, small_terms
from hypothesis import given, settings
from hypothesis import strategies as st

from suggester.codesets import Catalog
from suggester.codesets.terms import TermIndex
from suggester.codesets.words import LETTER_A
from suggester.pipeline import wordids
from suggester.pipeline.tokenizer import cut
from suggester.pipeline.wordids import WordIds, WordReader

Found = dict[str, list[tuple[int, int, bool]]]


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> TermIndex:
    return small_terms(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def reader(terms: TermIndex) -> WordReader:
    return WordReader(terms)


def found(terms: TermIndex, words: WordIds) -> Found:
    """Each word of the index with its ``(place, last, own)``."""
    names = {index: word for word, index in terms.vocabulary.items()}
    out: Found = {}
    for word, place, last, own in zip(
        words.ids.tolist(), words.place.tolist(), words.last.tolist(), words.own.tolist(), strict=True
    ):
        out.setdefault(names[word], []).append((place, last, own))
    return out


def test_a_word_stands_at_its_place_and_is_its_own(terms: TermIndex, reader: WordReader) -> None:
    words = read_words(reader, "chest pain")
    assert found(terms, words) == {"chest": [(0, 0, True)], "pain": [(1, 1, True)]}
    assert words.place_token == (0, 1)


def test_stop_words_take_no_place_and_unknown_words_take_one_without_an_id(
    terms: TermIndex, reader: WordReader
) -> None:
    words = read_words(reader, "pain of the xyzzy chest")
    assert found(terms, words) == {"pain": [(0, 0, True)], "chest": [(2, 2, True)]}
    assert words.place_token == (0, 3, 4)


@pytest.mark.parametrize("written", ["Pneumonias", "PNEUMONIA", "pneumonia's", "Pneumonia’s", "pneumónia"])
def test_inflection_case_and_accents_do_not_matter(
    terms: TermIndex, reader: WordReader, written: str
) -> None:
    assert found(terms, read_words(reader, written)) == {"pneumonia": [(0, 0, True)]}


def test_a_synonym_adds_its_words_at_the_same_place_and_they_are_not_own(
    terms: TermIndex, reader: WordReader
) -> None:
    words = read_words(reader, "dyspneic")
    assert found(terms, words) == {
        "dyspneic": [(0, 0, True)],
        "shortness": [(0, 0, False)],
        "breath": [(0, 0, False)],
    }
    assert words.by_sentence == (frozenset({terms.vocabulary["dyspneic"]}),)


def test_a_word_form_adds_its_base(terms: TermIndex, reader: WordReader) -> None:
    assert found(terms, read_words(reader, "diabetic"))["diabete"] == [(0, 0, False)]


def test_synonyms_of_a_synonym_are_added_too(terms: TermIndex, reader: WordReader) -> None:
    assert set(found(terms, read_words(reader, "sugar"))) == {"sugar", "glucose", "dextrose"}


def test_a_pattern_of_several_words_adds_from_its_first_to_its_last_word(
    terms: TermIndex, reader: WordReader
) -> None:
    read = found(terms, read_words(reader, "the sugar of trouble"))
    assert read["diabete"] == [(0, 1, False)]
    assert read["sugar"] == [(0, 0, True)]
    assert read["trouble"] == [(1, 1, True)]


def test_the_longest_pattern_wins_and_silences_its_single_words(terms: TermIndex, reader: WordReader) -> None:
    assert "glucose" not in found(terms, read_words(reader, "sugar trouble"))
    read = found(terms, read_words(reader, "bad sugar trouble"))
    assert read["pneumonia"] == [(0, 2, False)]
    assert "glucose" not in read
    smoker = found(terms, read_words(reader, "former smoker"))
    assert {"history", "nicotine", "use"} <= set(smoker)
    assert "dependence" not in smoker
    assert "dependence" in found(terms, read_words(reader, "heavy smoker"))


def test_a_pattern_does_not_reach_over_a_sentence_end_or_a_word_between(
    terms: TermIndex, reader: WordReader
) -> None:
    for text in ("no more sugar . trouble at home", "sugar xyzzy trouble", "trouble sugar"):
        read = found(terms, read_words(reader, text))
        assert "diabete" not in read, text
        assert "glucose" in read, text


def expansion(terms: TermIndex, words: WordIds) -> set[str]:
    return set(found(terms, words)) & {"multiple", "mitral", "mental"}


@pytest.mark.parametrize(
    ("text", "section", "sense"),
    [
        ("MS lesion", "hpi", "multiple"),
        ("MS with a murmur", "hpi", "mitral"),
        ("murmur xyzzy xyzzy MS", "hpi", "mitral"),
        ("MS alert", "exam", "mental"),
        ("MS murmur", "exam", "mitral"),
        ("MS alert", "hpi", None),
        ("MS murmur, neurologist", "hpi", "multiple"),
        ("MS one two three four five lesion", "hpi", None),
        ("ms lesion", "hpi", None),
        ("Ms lesion", "exam", None),
    ],
)
def test_the_sense_of_an_abbreviation_by_neighbour_then_section_in_its_case(
    terms: TermIndex, reader: WordReader, text: str, section: str, sense: str | None
) -> None:
    assert expansion(terms, read_words(reader, text, section=section)) == ({sense} if sense else set())


def test_an_unconditional_sense_holds_everywhere_but_beside_its_veto(
    terms: TermIndex, reader: WordReader
) -> None:
    assert found(terms, read_words(reader, "hf"))["heart"] == [(0, 0, True)]
    assert {"chest", "pain"} <= set(found(terms, read_words(reader, "CP since noon")))
    assert "chest" not in found(terms, read_words(reader, "CP palsy"))


def test_an_expanded_abbreviation_counts_as_written_and_its_synonyms_do_not(
    terms: TermIndex, reader: WordReader
) -> None:
    words = read_words(reader, "HF")
    assert {terms.vocabulary["heart"], terms.vocabulary["failure"]} <= words.by_sentence[0]
    assert all(own for _, _, own in found(terms, words)["failure"])


def test_an_abbreviation_of_two_words_ends_with_its_last(terms: TermIndex, reader: WordReader) -> None:
    assert found(terms, read_words(reader, "pain L/S chest"))["lumbar"] == [(1, 2, True)]
    assert "lumbar" not in found(terms, read_words(reader, "L xyzzy S"))
    assert found(terms, read_words(reader, "pain l/s"))["spine"] == [(1, 2, True)]


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("right chest", ((0, 1),)),
        ("pain in LEFT chest", ((1, 2),)),
        ("bilateral chest, right pain", ((0, 3), (2, 1))),
        ("both chests", ((0, 3),)),
        ("chest", ()),
    ],
)
def test_words_of_side_are_kept_even_where_they_are_stop_words(
    reader: WordReader, text: str, sides: tuple[tuple[int, int], ...]
) -> None:
    assert read_words(reader, text).sides == sides


def test_a_word_one_edit_off_is_corrected_and_marked(terms: TermIndex, reader: WordReader) -> None:
    for wrong in ("pnuemonia", "pneumonnia", "pneumoni", "pneumonix"):
        words = read_words(reader, wrong)
        assert found(terms, words) == {"pneumonia": [(0, 0, True)]}, wrong
        assert words.corrected == {terms.vocabulary["pneumonia"]}
    right = read_words(reader, "pneumonia")
    assert not right.corrected


@pytest.mark.parametrize("wrong", ["peumonnia", "npeumonia", "pian", "chset", "pneumoni4", "failurexx"])
def test_two_edits_another_first_letter_and_short_words_are_left(
    terms: TermIndex, reader: WordReader, wrong: str
) -> None:
    words = read_words(reader, wrong)
    assert not len(words.ids)
    assert words.place_token == (0,)


def test_a_listed_misspelling_is_a_pattern(terms: TermIndex, reader: WordReader) -> None:
    assert "pneumonia" in found(terms, read_words(reader, "nemonia"))


def test_sentences_number_their_words_and_hold_their_own_ids(terms: TermIndex, reader: WordReader) -> None:
    words = read_words(reader, "chest . xyzzy . sugar trouble")
    ids = terms.vocabulary
    assert words.by_sentence == (
        frozenset({ids["chest"]}),
        frozenset(),
        frozenset({ids["sugar"], ids["trouble"]}),
    )
    at = dict(zip(words.ids.tolist(), words.sentence.tolist(), strict=True))
    assert at[ids["chest"]] == 0
    assert at[ids["diabete"]] == 2


@pytest.mark.parametrize("text", ["", "   \n", "... !", "of the and"])
def test_a_note_without_words_has_no_ids(reader: WordReader, text: str) -> None:
    words = read_words(reader, text)
    assert (len(words.ids), words.place_token, words.by_sentence, words.sides) == (0, (), (), ())
    assert words.sentence.dtype == np.int32


def test_tokens_marked_as_no_words_are_left_out(reader: WordReader) -> None:
    words = reader.read(cut("chest pain")[0], [False, True], [0, 0], ["hpi", "hpi"])
    assert words.place_token == (1,)


PIECES = """sugar trouble bad former smoker MS ms murmur lesion HF L/S of both chest pain left xyzzy
pnuemonia . neurologist CP palsy dyspneic"""
WORDS = st.sampled_from([*PIECES.split(), "\n"])


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_ids_are_sorted_and_point_to_places_of_one_sentence(terms: TermIndex, parts: list[str]) -> None:
    words = read_words(WordReader(terms), " ".join(parts))
    keys = list(zip(words.ids.tolist(), words.place.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(words.ids) == len(words.place) == len(words.last) == len(words.sentence) == len(words.own)
    places = len(words.place_token)
    assert list(words.place_token) == sorted(set(words.place_token))
    for place, last in zip(words.place.tolist(), words.last.tolist(), strict=True):
        assert 0 <= place <= last < places
    own = {
        (sentence, word)
        for word, sentence, mark in zip(
            words.ids.tolist(), words.sentence.tolist(), words.own.tolist(), strict=True
        )
        if mark
    }
    assert own == {(number, word) for number, ids in enumerate(words.by_sentence) for word in ids}


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=20), st.lists(WORDS, max_size=20))
def test_what_was_read_before_does_not_matter(terms: TermIndex, before: list[str], parts: list[str]) -> None:
    used = WordReader(terms)
    read_words(used, " ".join(before))
    assert same(read_words(used, " ".join(parts)), read_words(WordReader(terms), " ".join(parts)))


def test_a_full_memo_is_emptied_and_nothing_changes(
    terms: TermIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordids, "_MEMO_LIMIT", 1)
    reader = WordReader(terms)
    first = read_words(reader, "HF . MS murmur")
    assert len(reader._senses) > 1
    read_words(reader, "CP")
    assert [text for _, text in reader._senses] == ["CP"]
    assert same(read_words(reader, "HF . MS murmur"), first)


def same(left: WordIds, right: WordIds) -> bool:
    arrays = ("ids", "place", "last", "sentence", "own")
    plain = ("place_token", "by_sentence", "sides", "corrected")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in arrays) and all(
        getattr(left, name) == getattr(right, name) for name in plain
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12))
def test_long_notes_are_ordered_as_short_ones_are(pairs: list[tuple[int, int]]) -> None:
    ids, place = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordids, "_PLACE_BITS", 1)
        by_columns = wordids._order(ids, place).tolist()
    assert wordids._order(ids, place).tolist() == by_columns


@pytest.mark.parametrize(
    ("written", "named"),
    [
        *(("Hepatitis A", True), ("hepatitis a, acute", True), ("HEPATITIS A", True), ("Lp(a) raised", True)),
        *(("group-A strep", True), ("flu a week ago", False), ("flu. A cough", False), ("group: A", False)),
    ],
)
def test_a_letter_after_what_it_names_is_a_word(catalog: Catalog, written: str, named: bool) -> None:
    terms = catalog.release_set()[0].terms
    assert (LETTER_A in found(terms, read_words(WordReader(terms), written))) == named
