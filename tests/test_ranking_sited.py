"""Sibling codes in the order that the site in the words asks for, and the one type of diabetes of a note."""

from __future__ import annotations

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.suggest import load
from suggester.types import Note


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def found(bench: Bench, text: str) -> set[str]:
    return {code_of(bench, c) for c in bench.finder.find(bench.read(text), setting="outpatient")}


def order(text: str, codes: tuple[str, str]) -> list[str]:
    said = [s.code.code for s in load().suggest(Note(id="n", text=text, setting="outpatient")).suggestions]
    return [code for code in said if code in codes]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("Diabetic foot ulcer of the left heel with fat layer exposed.", "L97.422", "L97.522"),
        ("Ulcer of the right foot at the plantar heel, fat layer exposed.", "L97.412", "L97.512"),
        ("Displaced fracture of the right clavicle.", "S42.001A", "S42.021A"),
    ],
)
def test_the_site_said_goes_before_the_sibling_of_another_or_of_one_not_said(
    text: str, first: str, second: str
) -> None:
    assert order(text, (first, second))[0] == first


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("Foot ulcer, right great toe, fat layer exposed.", "L97.512", "L97.412"),
        ("Displaced fracture of the midshaft of the right clavicle.", "S42.021A", "S42.001A"),
    ],
)
def test_a_site_that_is_not_said_or_is_said_changes_nothing(text: str, first: str, second: str) -> None:
    assert order(text, (first, second))[0] == first


def test_an_unspecified_code_goes_before_its_other_one_where_the_words_say_no_other() -> None:
    text = "Impression: ankle sprain, right."
    assert order(text, ("S93.401A", "S93.491A"))[0] == "S93.401A"


def test_words_of_a_phrase_for_the_other_code_leave_it_first() -> None:
    text = "Impression: sprain of the anterior talofibular ligament of the right ankle."
    assert order(text, ("S93.401A", "S93.491A"))[0] == "S93.491A"


def test_complications_of_diabetes_are_of_the_type_that_a_note_names_alone(bench: Bench) -> None:
    one = found(bench, "T1DM for 20 years. Diabetic nephropathy. Diabetic neuropathy.")
    assert "E10.21" in one
    assert not [code for code in one if code.startswith("E11")]
    two = found(bench, "Type 2 diabetes. Diabetic nephropathy. Diabetic neuropathy.")
    assert "E11.21" in two
    assert not [code for code in two if code.startswith("E10")]


@pytest.mark.parametrize(
    "text",
    [
        "Type 1 diabetes was ruled out. Diabetic neuropathy.",
        "Type 1 diabetes first thought, now type 2 diabetes. Diabetic neuropathy.",
        "Diabetic neuropathy.",
    ],
)
def test_a_type_that_is_denied_or_one_of_two_moves_nothing(bench: Bench, text: str) -> None:
    assert "E11.40" in found(bench, text)
