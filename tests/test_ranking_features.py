"""The features of candidates: names, values on notes small enough to work out by hand, and slow oracles."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from engine_world import bench_of, code_of, engine_of
from hypothesis import given, settings
from hypothesis import strategies as st

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.pipeline.reading import NEGATED, Reading
from suggester.pipeline.titles import read_titles
from suggester.ranking.bench import Bench
from suggester.ranking.features import NAMES, SECTION_GROUPS, Scored
from suggester.ranking.voice import read_voices
from suggester.suggest import Suggester
from suggester.types import SETTINGS, Setting

NOTE = """CHIEF COMPLAINT: Cough.

HPI
Pneumonia last week. No pneumonia today, possible pneumonia tomorrow.

PAST MEDICAL HISTORY
History of pneumonia.

ASSESSMENT AND PLAN
1. Pneumonia
- continue antibiotics
2. Left knee osteoarthritis

FAMILY HISTORY
Mother had pneumonia.
"""


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Suggester:
    """For Hypothesis, which writes its arguments down: a bench is long."""
    return engine_of(catalog)


def build(
    bench: Bench, text: str, setting: Setting | None = None
) -> tuple[Reading, np.ndarray, list[Scored]]:
    reading = bench.read(text)
    table, scored = bench.features.build(
        reading, bench.finder.find(reading, setting=setting), setting=setting
    )
    return reading, table, scored


def row(bench: Bench, text: str, code: str, setting: Setting | None = None) -> dict[str, float]:
    _, table, scored = build(bench, text, setting)
    (at,) = [i for i, s in enumerate(scored) if code_of(bench, s.candidate) == code]
    return dict(zip(NAMES, table[at].tolist(), strict=True))


def test_names_are_unique_and_every_section_kind_has_one_group() -> None:
    assert len(set(NAMES)) == len(NAMES)
    kinds = [kind for group in SECTION_GROUPS.values() for kind in group]
    assert len(set(kinds)) == len(kinds)
    known = {kind for kind, _ in read_titles().titles.values()}
    assert set(kinds) <= known | {"header"}
    assert [f"in_{name}" in NAMES for name in (*SECTION_GROUPS, "other")] == [True] * (
        len(SECTION_GROUPS) + 1
    )


def test_there_is_a_row_a_candidate_and_a_number_a_name(bench: Bench) -> None:
    reading, table, scored = build(bench, NOTE)
    candidates = bench.finder.find(reading, setting=None)
    assert table.shape == (len(candidates), len(NAMES))
    assert table.dtype == np.float32
    assert np.isfinite(table).all()
    assert [s.candidate for s in scored] == candidates
    for item in scored:
        assert item.best in item.candidate.supports
        assert 0 <= item.undominated <= len(item.candidate.supports)
        code = code_of(bench, item.candidate)
        assert code.startswith(item.category)


def test_no_candidates_are_no_rows(bench: Bench) -> None:
    table, scored = bench.features.build(bench.read(""), [], setting=None)
    assert table.shape == (0, len(NAMES))
    assert scored == []


def test_a_word_alone_fits_whole(bench: Bench) -> None:
    one = row(bench, "Pneumonia.", "J18.9")
    expected = {
        "coverage": 1.0,
        "density": 1.0,
        "hits": 1.0,
        "own_share": 1.0,
        "mentions": 2.0,
        "sentences": 1.0,
        "affirmed": 2.0,
        "negated_share": 0.0,
        "at_line_start": 2.0,
        "first_position": 0.0,
        "in_header": 2.0,
        "chapter": 10.0,
        "code_length": 5.0,
        "unspecified_code": 1.0,
        "symptom_code": 0.0,
        "setting": 0.0,
        "note_sections": 1.0,
        "note_best_ratio": 1.0,
        "corrected": 0.0,
        "separators": 0.0,
    }
    one["mentions"], one["affirmed"] = min(one["mentions"], 2.0), min(one["affirmed"], 2.0)
    one["at_line_start"], one["in_header"] = min(one["at_line_start"], 2.0), min(one["in_header"], 2.0)
    assert {name: one[name] for name in expected} == expected
    assert one["note_words"] == pytest.approx(math.log1p(1))
    assert one["rarity"] == pytest.approx(one["term_weight"], rel=1e-5)


def test_sections_and_assertions_are_counted_over_all_mentions(bench: Bench) -> None:
    reading, _, scored = build(bench, NOTE)
    (item,) = [s for s in scored if code_of(bench, s.candidate) == "J18.9"]
    one = row(bench, NOTE, "J18.9")
    supports = item.candidate.supports
    m = reading.matches
    kinds = [reading.section_kind[int(m.first[s.match])] for s in supports]
    for name, group in SECTION_GROUPS.items():
        assert one[f"in_{name}"] == min(sum(kind in group for kind in kinds), 4), name
    assert one["in_assessment"] >= 1
    assert one["in_past"] >= 1
    assert one["in_family"] >= 1
    bits = {"negated": 1, "uncertain": 2, "historical": 4, "hypothetical": 8, "family": 16}
    for name, bit in bits.items():
        share = sum(bool(s.flags & bit) for s in supports) / len(supports)
        assert one[f"{name}_share"] == pytest.approx(share), name
    assert {"negated_share", "uncertain_share", "historical_share", "family_share"} <= {
        name for name, value in one.items() if 0 < value < 1
    }
    assert one["sentences"] == len({int(m.sentence[s.match]) for s in supports})
    assert one["as_heading"] >= 1
    assert one["best_section_score"] == 3.0


def test_a_voice_that_is_unknown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / "voice.tsv").write_text("word\tvoice\nwas\tpassive\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"voice\.tsv:2: voice is none of past, present, authors"):
        read_voices(tmp_path)


@pytest.mark.parametrize(("setting", "value"), [(None, 0.0), *zip(SETTINGS, (1.0, 2.0, 3.0), strict=True)])
def test_the_setting_is_a_feature(bench: Bench, setting: Setting | None, value: float) -> None:
    assert row(bench, "Pneumonia.", "J18.9", setting)["setting"] == value


@pytest.mark.parametrize(
    ("one", "other", "code", "name"),
    [
        ("Pneumonia, knee. Obstructive, sleep / apnea", "Obstructive sleep apnea", "G47.33", "separators"),
        ("Pneumomia.", "Pneumonia.", "J18.9", "corrected"),
        ("Ketorolac given IM.", "Ketorolac.", "J1885", "route_words"),
        ("Hypertension. Heart failure.", "Hypertension.", "I10", "replaced"),
        ("Knee pain.", "Left knee pain.", None, "side_missing"),
        ("Gout, pneumonia. Cough.", "Gout.", None, "note_words"),
        ("She had gout.", "She has gout.", "M10.9", "past_words"),
        ("She has gout.", "She had gout.", "M10.9", "present_words"),
        ("We saw gout.", "They saw gout.", "M10.9", "authors_words"),
        ("She had gout.", "She has gout.", "M10.9", "past_share"),
        ("She had gout and was well.", "She had gout and is well.", "M10.9", "told_afterwards"),
        (
            "She had gout.",
            "HPI: Was ill.\nROS: None.\nPLAN: Rest.\nASSESSMENT: Gout.",
            "M10.9",
            "told_afterwards",
        ),
        ("Gout.\nShe\nwalks.", "Gout. She walks.", "M10.9", "note_lines"),
    ],
)
def test_what_raises_a_feature(bench: Bench, one: str, other: str, code: str | None, name: str) -> None:
    if code is None:
        high, low = (float(build(bench, text)[1][:, NAMES.index(name)].max()) for text in (one, other))
    else:
        high, low = row(bench, one, code)[name], row(bench, other, code)[name]
    assert high > low


@pytest.mark.parametrize(
    ("text", "code", "symptom"),
    [
        ("Cough.", "R05.9", 1.0),
        ("Knee pain.", "M25.569", 1.0),
        ("Low back pain.", "M54.50", 1.0),
        ("Gout.", "M10.9", 0.0),
        ("Laparoscopic cholecystectomy.", "47562", 0.0),
    ],
)
def test_symptoms_are_told_by_their_code(bench: Bench, text: str, code: str, symptom: float) -> None:
    assert row(bench, text, code)["symptom_code"] == symptom


def test_a_symptom_beside_firm_diagnoses_is_told(bench: Bench) -> None:
    text = "ASSESSMENT\nPneumonia. Cough."
    cough, pneumonia = row(bench, text, "R05.9"), row(bench, text, "J18.9")
    assert cough["firm_diagnoses"] == pneumonia["firm_diagnoses"] >= 1
    assert cough["symptom_beside_diagnosis"] == cough["firm_diagnoses"]
    assert pneumonia["symptom_beside_diagnosis"] == 0.0
    assert row(bench, "SOCIAL HISTORY\nPneumonia. Cough.", "R05.9")["firm_diagnoses"] == 0.0


@pytest.mark.parametrize(
    ("text", "code", "chapter"),
    [
        ("Pneumonia.", "J18.9", 10.0),
        ("Laparoscopic cholecystectomy.", "47562", 4.0),
        ("Ketorolac IM.", "J1885", 10.0),
    ],
)
def test_the_chapter_is_the_letter_or_the_first_digit(
    bench: Bench, text: str, code: str, chapter: float
) -> None:
    assert row(bench, text, code)["chapter"] == chapter


SENTENCES = st.lists(
    st.sampled_from(
        [
            "Left knee pain.",
            "No chest pain.",
            "Type 2 diabetes with neuropathy.",
            "Acute kidney injury, chronic kidney disease stage 3.",
            "Mother had breast cancer.",
            "Possible pneumonia; cough",
            "ASSESSMENT: gout",
            "PLAN\n1. Hypertension\n- lisinopril",
            "Atrial fibrillation, on apixaban.",
        ]
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(SENTENCES)
def test_the_best_support_has_the_best_score(engine: Suggester, parts: list[str]) -> None:
    bench, _ = engine.bench(None)
    text = "\n".join(parts)
    reading, table, scored = build(bench, text)
    m = reading.matches
    dominated = m.dominated
    at = {name: i for i, name in enumerate(NAMES)}
    best = []
    for number, item in enumerate(scored):
        scores = []
        for support in item.candidate.supports:
            i = support.match
            between = reading.table.text[int(m.first[i]) + 1 : int(m.final[i]) + 1]
            marks = min(sum(piece in ",/;:()." for piece in between), 8)
            score = support.similarity * min(1.5, math.log1p(float(m.weight[i])) / 2) * 0.85**marks
            score *= 0.3 if support.flags & NEGATED else 1.0
            scores.append(score * (0.5 if dominated[i] else 1.0))
        assert item.best_score == pytest.approx(max(scores), rel=1e-6)
        first = next(i for i, score in enumerate(scores) if score >= max(scores) - 1e-9)
        assert item.best == item.candidate.supports[first]
        assert item.undominated == sum(not dominated[s.match] for s in item.candidate.supports)
        assert item.first_token == min(int(m.first[s.match]) for s in item.candidate.supports)
        assert table[number, at["match_score"]] == pytest.approx(item.best_score, rel=1e-5)
        best.append(item.best_score)
    for number, item in enumerate(scored):
        rivals = [b for b, other in zip(best, scored, strict=True) if other.category == item.category]
        ratio = item.best_score / (max(rivals) + 1e-9)
        assert table[number, at["category_best_ratio"]] == pytest.approx(ratio, rel=1e-5)
        assert table[number, at["category_rank"]] == min(sum(b > item.best_score for b in rivals), 10)
        assert table[number, at["category_size"]] == min(len(rivals), 20)
        assert table[number, at["note_best_ratio"]] == pytest.approx(item.best_score / max(best), rel=1e-5)
