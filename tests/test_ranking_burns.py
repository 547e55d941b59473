"""How much of the body a note says is burned."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import bench_of

from suggester.codesets import Catalog
from suggester.errors import LexiconError
from suggester.ranking.bench import Bench
from suggester.ranking.relations.burns import BurnExtent


@pytest.fixture(scope="module")
def bench(catalog: Catalog) -> Bench:
    return bench_of(catalog)


@pytest.mark.parametrize(
    ("text", "burn", "code"),
    [
        ("Burns, TBSA 21%, third degree 9%.", "T22.30XA", "T31.20"),
        ("Burns of 28% of body surface (10% third degree).", "T21.30XA", "T31.21"),
        ("Total body surface area 17%, of which 5% third degree. Burns.", "T21.30XA", "T31.10"),
        ("Second degree burn of the forearm, 1.5% BSA.", "T22.20XA", "T31.0"),
        ("Third degree burns, small, under one percent.", "T23.30XA", "T31.0"),
        ("Burns: thigh second degree 6%. Arm second degree 5%.", "T24.20XA", "T31.10"),
        ("Burns: arm 2nd degree 4%, leg 2nd degree 9%, total 13%.", "T24.20XA", "T31.10"),
        ("Lye burn, 12% TBSA.", "T22.60XA", "T32.10"),
        # nothing burned, nothing said, a percentage of something else
        ("Psoriasis, 12% BSA. Burning.", "L40.0", ""),
        ("Burn of the hand. EF 55%, ejection normal.", "T23.20XA", ""),
        ("Burn of the hand, x% TBSA, 140% TBSA.", "T23.20XA", ""),
        ("Burn of the hand.", "T23.20XA", ""),
    ],
)
def test_the_extent_of_burns(bench: Bench, text: str, burn: str, code: str) -> None:
    found = BurnExtent().find(bench.read(text), [(0, 0, burn)])
    assert [item.code for item in found] == ([code] if code else [])


def test_a_kind_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "relations").mkdir()
    (tmp_path / "relations" / "burn_words.tsv").write_text("kind\twords\nsize\tbig\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="size"):
        BurnExtent(folder=tmp_path)
