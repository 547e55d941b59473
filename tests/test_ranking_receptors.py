"""Receptors of breast cancer in the ways of notes."""

from __future__ import annotations

import pytest
from engine_world import bench_of

from suggester.codesets import Catalog
from suggester.ranking.bench import Bench
from suggester.ranking.relations.receptors import Receptors

BREAST = [(0, 0, "C50.912")]


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("IDC, ER 90%, PR 10%, HER2 IHC 1+.", ["Z17.411"]),
        ("IDC ER+/PR+/HER2- on letrozole.", ["Z17.411"]),
        ("IDC ER/PR+, HER2 positive.", ["Z17.410"]),
        ("Cancer ER neg PR neg HER2 3+.", ["Z17.420"]),
        ("Cancer (ER-, PR-, HER2 3+).", ["Z17.420"]),
        ("ER-/HER2- cancer.", ["Z17.421"]),
        ("Breast cancer ER-/PR-/HER2-", ["Z17.421"]),
        ("Breast cancer, ER 0 / PR 0 / HER2 0.", ["Z17.421"]),
        ("TNBC.", ["Z17.421"]),
        ("Triple positive cancer.", ["Z17.410"]),
        ("Hormone receptor positive, HER2 low.", ["Z17.411"]),
        ("ER and PR positive, HER-2/neu negative.", ["Z17.411"]),
        ("ER-positive, HER2 2+, FISH not amplified.", ["Z17.411"]),
        ("ER negative, PR positive 5%, HER2 0.", ["Z17.411"]),
        ("HR+ HER2\u2212 disease.", ["Z17.411"]),
        ("DCIS, estrogen receptor neg.", ["Z17.1"]),
        ("ER 0% and nothing else.", ["Z17.1"]),
        ("HER2 positive cancer.", ["Z17.31"]),
        ("ER+ cancer.", ["Z17.0"]),
        # an emergency room, a heart rate, a test not done
        ("Seen in the ER - sent home. HR 80, PR 160.", []),
        ("HER2 pending. ER visit was negative for fracture.", []),
        ("HER2 2+, FISH sent.", []),
        ("Nothing said.", []),
    ],
)
def test_receptors(bench: Bench, text: str, codes: list[str]) -> None:
    assert [found.code for found in Receptors().find(bench.read(text), BREAST)] == codes


def test_receptors_are_of_a_breast(bench: Bench) -> None:
    assert Receptors().find(bench.read("ER+ and HER2-."), [(0, 0, "C34.90")]) == []
