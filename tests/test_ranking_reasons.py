"""Reasons in plain words: each way to a code says something true and checkable."""

from __future__ import annotations

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import ANY, Method
from suggester.ranking.reasons import reasons


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def said(bench: Bench, text: str, code: str, method: Method | None = None) -> tuple[str, ...]:
    """Reasons of a code, with its best support of a method if one is named."""
    reading = bench.read(text)
    candidates = bench.finder.find(reading, setting=None)
    _, scored = bench.features.build(reading, candidates, setting=None)
    (item,) = [s for s in scored if code_of(bench, s.candidate) == code]
    if method is not None:
        item.best = next(s for s in item.candidate.supports if s.method == method)
    return reasons(bench.finder, reading, item)


@pytest.mark.parametrize(
    ("text", "code", "method", "first"),
    [
        ("Pneumonia.", "J18.9", None, "the words of “pneumonia” are there"),
        ("Taking metformin.", "Z79.84", Method.DRUG, "long-term drug: metformin ("),
        ("History of pneumonia.", "Z87.01", Method.PERSONAL_HISTORY, "history of “"),
        ("Mother had breast cancer.", "Z80.3", Method.FAMILY_HISTORY, "” in a relative"),
        ("Hypertension. Heart failure.", "I11.0", Method.COMBINATION, "one code joins “"),
        ("Ketorolac 30 mg IM given.", "J1885", None, "drug “ketorolac"),
        ("BMI 33.4.", "Z68.33", Method.VALUE, "the measured value names this code"),
        ("Tdap given in left deltoid.", "Z23", Method.IMPLIED, "a vaccine is given at this encounter"),
    ],
)
def test_each_way_says_how_it_came_to_the_code(
    bench: Bench, text: str, code: str, method: Method | None, first: str
) -> None:
    assert first in said(bench, text, code, method)[0]


def test_part_of_a_term_says_how_much_of_it_is_there(bench: Bench) -> None:
    reading = bench.read("Chronic obstructive bronchitis of the valve.")
    found = bench.finder.find(reading, setting=None, weakest=ANY)
    _, scored = bench.features.build(reading, found, setting=None)
    partial = [
        reasons(bench.finder, reading, s)[0]
        for s in scored
        if float(reading.matches.coverage[s.best.match]) < 0.999 and s.best.method <= Method.DESCENT
    ]
    assert partial
    assert all("% of “" in text and "is there" in text for text in partial)


def test_telling_sections_are_named_once_each(bench: Bench) -> None:
    text = "CHIEF COMPLAINT: Pneumonia.\n\nASSESSMENT: Pneumonia.\n\nFINDINGS: Pneumonia.\n"
    out = said(bench, text, "J18.9")
    assert "named in the assessment and the chief complaint and the findings" in out
    assert "named in 3 places" in out
    assert not any(r.startswith("named in") for r in said(bench, "SOCIAL HISTORY: Pneumonia.", "J18.9"))


def test_the_side_and_what_picked_the_code_are_said_of_codes_gone_down_to(bench: Bench) -> None:
    out = said(bench, "Pain of the left knee.", "M25.562", Method.DESCENT)
    assert "side: left" in out
    missing = said(bench, "Knee pain.", "M25.569", Method.DESCENT)
    assert not any(r.startswith("side:") for r in missing)


@pytest.mark.parametrize(
    ("text", "code", "last"),
    [
        (
            "Paroxysmal atrial fibrillation and flutter.",
            "I48.0",
            "the words around it pick this code within its category",
        ),
        ("Atrial fibrillation and flutter.", "I48.91", "no word near by picks a more specific code"),
    ],
)
def test_going_down_says_whether_words_picked_the_code(bench: Bench, text: str, code: str, last: str) -> None:
    assert said(bench, text, code, Method.DESCENT)[-1] == last
