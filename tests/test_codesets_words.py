from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.codesets.words import LETTER_A, NEUTRAL, and_parts, named_words, stem, title_variants, words


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("fractures", "fracture"),
        ("biopsies", "biopsy"),
        ("diagnoses", "diagnosis"),
        ("metastases", "metastase"),
        ("Crohn's", "crohn"),
        ("Crohn’s", "crohn"),
        ("status", "status"),
        ("pelvis", "pelvis"),
        ("abscess", "abscess"),
        ("abscesses", "abscess"),
        ("vertebrae", "vertebra"),
        ("Sjögren", "sjogren"),
        ("Ménière's", "meniere"),
        ("gas", "gas"),
        ("us", "us"),
        ("L5", "l5"),
        ("A1C", "a1c"),
        ("PNEUMONIA", "pneumonia"),
    ],
)
def test_stem(word: str, expected: str) -> None:
    assert stem(word) == expected


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=30))
def test_stem_does_not_depend_on_case(text: str) -> None:
    assert stem(text) == stem(text.upper())
    assert len(stem(text)) <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Type-2 diabetes, A1c 8.5", ["type", "2", "diabete", "a1c", "8.5"]),
        ("L4-5 disc; Crohn's", ["l4", "5", "disc", "crohn"]),
        ("", []),
        ("-- / --", []),
        ("1,000 units", ["1,000", "unit"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("title", "shorter"),
    [
        ("Sepsis, unspecified organism", "sepsis"),
        ("Acute myocardial infarction, unspecified", "acute myocardial infarction"),
        ("Type 2 diabetes mellitus without complications", "type 2 diabetes mellitus"),
        ("Contracture, unspecified elbow", "contracture, elbow"),
        ("Open bite, unspecified hip", "open bite, hip"),
        ("Laceration without foreign body of scalp", "laceration of scalp"),
        ("Laceration without foreign body, right hip", "laceration, right hip"),
        ("Puncture wound without foreign body of toe without damage to nail", "puncture wound of toe"),
        ("Rheumatoid arthritis without rheumatoid factor, right elbow", "rheumatoid arthritis, right elbow"),
        (
            "Diverticulosis of small intestine without perforation or abscess with bleeding",
            "diverticulosis of small intestine with bleeding",
        ),
        ("Cocaine use, unspecified with intoxication, uncomplicated", "cocaine use, with intoxication"),
        ("Concussion without loss of consciousness", "concussion"),
        (
            "Unspecified dementia, unspecified severity, without agitation, mood disturbance, and anxiety",
            "unspecified dementia",
        ),
        ("Nontraumatic rupture, unspecified site", "nontraumatic rupture"),
    ],
)
def test_title_variants_drop_what_was_not_said_and_keep_the_site(title: str, shorter: str) -> None:
    variants = title_variants(title)
    assert variants[0] == (title.lower(), "title")
    assert variants[-1] == (shorter, "default")


@pytest.mark.parametrize(
    "title", ["Essential hypertension", "Pain in right knee", "Other specified disorders"]
)
def test_title_variants_leave_a_plain_title_alone(title: str) -> None:
    assert title_variants(title) == ((title.lower(), "title"),)


@given(st.text(max_size=80))
def test_title_variants_never_make_an_empty_phrase_out_of_words(title: str) -> None:
    first, *rest = title_variants(title)
    assert first[1] == "title"
    for phrase, kind in rest:
        assert kind == "default"
        assert phrase.strip()


def test_and_parts_split_titles_that_join_two_things() -> None:
    assert and_parts("malaise and fatigue") == ("malaise", "fatigue")
    assert and_parts("burn of head and neck and trunk") == ()
    assert and_parts("asthma") == ()


def test_neutral_words_are_stems() -> None:
    assert {stem(word) for word in NEUTRAL} == NEUTRAL


def test_cannot_is_not_can() -> None:
    assert words("can't sleep") == words("cannot sleep") == ["cannot", "sleep"]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        *(("hepatitis A", True), ("Group A streptococcus", True), ("elevated Lp(a)", True)),
        *(("flu a week ago", False), ("fall with a knife", False), ("A hepatitis", False), ("a", False)),
    ],
)
def test_a_letter_that_is_a_name_is_told_from_an_article(text: str, letter: bool) -> None:
    assert (LETTER_A in named_words(text)) == letter
    assert [("a" if word == LETTER_A else word) for word in named_words(text)] == words(text)
