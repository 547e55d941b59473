"""Words of a disease that are part of another name."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of, code_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.relations.other_names import OtherNames


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


def found(bench: Bench, text: str) -> set[str]:
    return {code_of(bench, c) for c in bench.finder.find(bench.read(text), setting="outpatient")}


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Venous hypertension of the left leg.", "I10"),
        ("Pulmonary arterial hypertension.", "I10"),
        ("PAH, WHO group 1.", "I10"),
        ("Group B strep carrier.", "J02.0"),
        ("AAA u/s ordered.", "I71.40"),
        ("Swelling and orbital emphysema.", "J43.9"),
        ("Chronic DVT of the right leg.", "I82.401"),
        ("Severe malnutrition.", "E46"),
        ("Neuropathy from B12 deficiency.", "G62.0"),
    ],
)
def test_part_of_another_name_is_no_disease(bench: Bench, text: str, absent: str) -> None:
    assert absent not in found(bench, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hypertension. Venous hypertension of the left leg.", "I10"),
        ("Arterial hypertension.", "I10"),
        ("Strep throat.", "J02.0"),
        ("AAA, 4.2 cm.", "I71.40"),
        ("Acute on chronic DVT of the right leg.", "I82.401"),
        ("Malnutrition.", "E46"),
    ],
)
def test_the_disease_itself_stays(bench: Bench, text: str, code: str) -> None:
    assert code in found(bench, text)


def test_every_prefix_has_codes(bench: Bench) -> None:
    store = bench.releases.icd10cm
    for prefix in OtherNames().codes:
        assert store.with_prefix(prefix), prefix


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="other_names"):
        OtherNames(folder=tmp_path)
