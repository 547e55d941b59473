"""Aftercare of operations, by how long ago they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.relations.aftercare import Aftercare


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("3 mo s/p L THA, doing great.", ["Z47.1"]),
        ("R TKA 2 weeks ago, gait training.", ["Z47.1"]),
        ("Two weeks out from lap chole.", ["Z48.815"]),
        ("POD 12 from robotic hysterectomy.", ["Z48.816"]),
        ("Postop day #3 carpal tunnel release.", ["Z48.811"]),
        ("6-week visit after lumbar fusion.", ["Z47.89"]),
        ("1 week s/p TKA; the knee replacement 1 week ago.", ["Z47.1"]),
        # long ago, no time, to come, denied, of a relative
        ("s/p THA 6 years ago.", []),
        ("s/p cholecystectomy 9 weeks ago.", []),
        ("s/p THA.", []),
        ("TKA in 2 weeks, after clearance.", []),
        ("No TKA 2 weeks ago.", []),
        ("Hysterectomy. 2 weeks after that a cold.", []),
    ],
)
def test_aftercare(bench: Bench, text: str, codes: list[str]) -> None:
    assert [found.code for found in Aftercare().find(bench.read(text), "outpatient")] == codes


def test_a_stay_is_no_aftercare(bench: Bench) -> None:
    assert Aftercare().find(bench.read("2 weeks s/p TKA."), "inpatient") == []


def test_weeks_must_be_a_number(tmp_path: Path) -> None:
    (tmp_path / "relations").mkdir()
    path = tmp_path / "relations" / "aftercare_words.tsv"
    path.write_text("code\tweeks\twords\nZ47.1\tsome\ttka\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="some"):
        Aftercare(folder=tmp_path)
