"""Measured values that are findings by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.candidates import Method
from suggester.ranking.relations.lab_values import LabValues


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def shown(bench: Bench, text: str) -> set[str]:
    """Codes that only a value shows."""
    found = bench.finder.find(bench.read(text), setting="outpatient")
    return {code_of(bench, c) for c in found if any(s.method == Method.VALUE for s in c.supports)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hemoglobin was 8.6 g/dl.", "D64.9"),
        ("Hgb: 7.9 today", "D64.9"),
        ("Platelets 9,000/mm3.", "D69.6"),
        ("Platelet count 58000.", "D69.6"),
        ("Leukocytes 22,400 on admission.", "D72.829"),
        ("Sodium fell to 118 mmol/l.", "E87.1"),
        ("Serum calcium was 5.8 mg/dl.", "E83.51"),
        ("AST 870 U/l.", "R74.01"),
        ("Blood pressure was 80/40 mmHg.", "I95.9"),
        ("Oxygen saturation of 84%.", "R09.02"),
        ("Temp 101.8 F.", "R50.9"),
        ("Temperature of 38.9 C.", "R50.9"),
        ("PSA 7.2", "R97.20"),
        ("A1c 5.9", "R73.03"),
    ],
)
def test_a_value_far_outside_of_what_is_normal_is_a_finding(bench: Bench, text: str, code: str) -> None:
    assert code in shown(bench, text)


@pytest.mark.parametrize(
    "text",
    [
        "Hemoglobin 13.2 g/dl.",
        "Iron deficiency anemia, hemoglobin 8.6 g/dl.",
        "Hemoglobin goal 10.",
        "Transfuse if hemoglobin range 7-8.",
        "Hemoglobin drawn. Age 8.",
        "Hemoglobin 8.6.1",
        "Platelets 9,000,000",
        "Hypertension. Blood pressure 182/96.",
    ],
)
def test_a_normal_value_or_one_that_a_diagnosis_explains_is_none(bench: Bench, text: str) -> None:
    assert not shown(bench, text) & {"D64.9", "D69.6", "R03.0", "I95.9"}


def test_a_relatives_value_is_marked_as_such(bench: Bench) -> None:
    found = bench.finder.find(bench.read("FAMILY HISTORY\nMother had platelets 20,000."), setting=None)
    marked = [c for c in found if code_of(bench, c) == "D69.6"]
    assert all(s.flags for c in marked for s in c.supports)


def test_a_limit_that_is_no_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lab_values.tsv"
    file.write_text(
        "words\tbelow\tlow_code\tabove\thigh_code\tleast\tmost\tthousand\tunless\nhgb\tten\tD64.9\n",
        encoding="utf-8",
    )
    with pytest.raises(LexiconError, match=r"lab_values\.tsv:2: 'ten' is not a number"):
        LabValues(file)


def test_every_code_is_billable(catalog: Catalog) -> None:
    store = catalog.store("ICD-10-CM")
    assert [code for code in LabValues().codes if not store.billable[store.row(code)]] == []
