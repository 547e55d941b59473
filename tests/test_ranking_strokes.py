"""Strokes that are going on, transient attacks, and poisonings on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.strokes import Strokes
from suggester.ranking.support import FIRM


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def found(bench: Bench, text: str) -> set[str]:
    candidates = bench.finder.find(bench.read(text), setting="inpatient")
    return {
        code_of(bench, c) for c in candidates if any(not s.flags and s.similarity > FIRM for s in c.supports)
    }


@pytest.mark.parametrize(
    "text",
    [
        "Acute left MCA stroke with right hemiparesis.",
        "IMPRESSION: Left MCA embolic stroke with right hemiparesis.",
        "She had a stroke in 2019 with no residual. Acute left MCA stroke. Right hemiparesis.",
        "TIA in 2019. Right hemiparesis today.",
    ],
)
def test_a_stroke_that_goes_on_has_left_nothing_yet(bench: Bench, text: str) -> None:
    codes = found(bench, text)
    assert not {code for code in codes if code.startswith("I69") and code != "I69.30"}
    assert {code for code in codes if code.startswith("G81.9")}


@pytest.mark.parametrize(
    "text",
    [
        "Old stroke. Right hemiparesis.",
        "Right hemiparesis from stroke.",
        "Stroke in December, got tPA. Now months out, residual right hemiparesis. NIHSS 4.",
    ],
)
def test_what_an_old_stroke_left_is_its_sequela(bench: Bench, text: str) -> None:
    assert "I69.351" in found(bench, text)


def test_the_history_of_what_was_taken_out_is_given_back(bench: Bench) -> None:
    candidates = bench.finder.find(bench.read("TIA in 2019. Aphasia today."), setting=None)
    assert "Z86.73" in {code_of(bench, c) for c in candidates}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Benzo overdose, intentional.", "T42.4X2A"),
        ("Dx: intentional benzo + SSRI overdose, suicide attempt.", "T43.222A"),
        ("Opioid overdose. Denies suicidal ideation.", "T40.2X1A"),
        ("Accidental overdose of metoprolol, not a suicide attempt.", "T44.7X1A"),
        ("Opioid overdose, suicide precautions.", "T40.2X1A"),
    ],
)
def test_poisonings_have_the_intent_that_is_said(bench: Bench, text: str, code: str) -> None:
    codes = found(bench, text)
    other = code.replace(code[6], {"1": "2", "2": "1"}[code[6]])
    assert code in codes
    assert other not in codes


def test_wrong_rows_are_refused(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "relations"
    folder.mkdir()
    (folder / "stroke_words.tsv").write_text("kind\twords\nfoo\tbar\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="kind foo"):
        Strokes(bench.releases.icd10cm, folder=tmp_path)
