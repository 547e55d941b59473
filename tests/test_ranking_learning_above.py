"""Codes above those that are named, by hand and against a slow, obvious version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from engine_world import bench_of
from hypothesis import given
from hypothesis import strategies as st
from learning_world import coded_notes

from suggester.codesets import Catalog
from suggester.ranking.learning import GeneralJudge, LocalJudge, load_judge
from suggester.ranking.learning.above import ABOVE_NAMES, MOST_LEVELS, climb
from suggester.ranking.learning.training import train
from suggester.ranking.learning.views import CodeTable
from suggester.ranking.model import Ranker

TOP, MIDDLE, LEFT, RIGHT, ALONE = range(5)


class Table:
    """A category with a code below it and two below that, and a code by itself."""

    above = np.array([-1, TOP, MIDDLE, MIDDLE, -1])

    def __len__(self) -> int:
        return 5


TABLE = cast("CodeTable", Table())


def climbed(
    supports: dict[tuple[int, int], float], levels: int
) -> dict[tuple[int, int], tuple[tuple[int, int], int, int]]:
    """For each sentence and code: the support it rests on, levels climbed, named codes below it."""
    named = sorted(supports)
    found = climb(
        np.array([sentence * 5 + code for sentence, code in named], dtype=np.int64),
        np.array([supports[key] for key in named], dtype=np.float32),
        TABLE,
        levels,
    )
    assert found.values.shape == (len(found.key), len(ABOVE_NAMES))
    assert (np.diff(found.key) > 0).all()
    return {
        (key // 5, key % 5): (named[source], int(values[0]), int(values[1]))
        for key, source, values in zip(
            found.key.tolist(), found.source.tolist(), found.values.tolist(), strict=True
        )
    }


def test_a_code_above_rests_on_the_best_below_it() -> None:
    found = climbed({(0, LEFT): 0.5, (0, RIGHT): 0.7, (1, ALONE): 0.2, (2, LEFT): 0.1}, 2)
    assert found[0, MIDDLE] == ((0, RIGHT), 1, 2)
    assert found[0, TOP] == ((0, RIGHT), 2, 2)
    assert found[0, LEFT] == ((0, LEFT), 0, 0)
    assert found[1, ALONE] == ((1, ALONE), 0, 0)
    assert found[2, MIDDLE] == ((2, LEFT), 1, 1)


def test_what_is_named_itself_rests_on_its_own_words() -> None:
    assert climbed({(0, MIDDLE): 0.1, (0, LEFT): 0.9}, 1)[0, MIDDLE] == ((0, MIDDLE), 0, 1)


def test_without_levels_or_supports_nothing_is_added() -> None:
    assert set(climbed({(0, LEFT): 0.5}, 0)) == {(0, LEFT)}
    assert climbed({}, 2) == {}


@given(
    st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 4)), st.sampled_from((0.25, 0.5, 0.75))),
    st.integers(0, 3),
)
def test_as_a_slow_version(supports: dict[tuple[int, int], float], levels: int) -> None:
    expected: dict[tuple[int, int], list[tuple[int, float, tuple[int, int]]]] = {}
    for sentence, code in supports:
        up = code
        for level in range(levels + 1):
            rank = -supports[sentence, code]
            expected.setdefault((sentence, up), []).append((level, rank, (sentence, code)))
            up = int(Table.above[up])
            if up < 0:
                break
    found = climbed(supports, levels)
    assert set(found) == set(expected)
    for key, ways in expected.items():
        level, _, source = min(ways, key=lambda way: (way[0] > 0, way[1], way[0], way[2]))
        assert found[key] == (source, level, sum(way[0] > 0 for way in ways))


@pytest.mark.slow
def test_a_site_that_codes_by_categories_is_offered_those_it_never_coded(
    catalog: Catalog, tmp_path: Path
) -> None:
    general = GeneralJudge(Ranker.load("general"))
    by_category = [
        replace(note, codes=tuple(replace(c, code=c.code[:3], acceptable=frozenset()) for c in note.codes))
        for note in coded_notes()
    ]
    out = tmp_path / "site"
    train(bench_of(catalog), by_category, general, out, data="invented", gated=False, research=True)
    judge = load_judge(str(out))
    assert isinstance(judge, LocalJudge)
    assert judge.learned.levels == MOST_LEVELS
    bench = bench_of(catalog)
    reading = bench.read("Seen today.\nShe has migraine.\n")
    judged = judge.judge(bench, reading, bench.finder.find(reading, setting=None), setting=None)
    offered = {
        bench.codes["ICD-10-CM"][j.item.candidate.row]: j.item
        for j in judged
        if j.item.candidate.system == "ICD-10-CM"
    }
    assert offered["G43.90"].best in offered["G43.909"].candidate.supports
    assert offered["G43.90"].candidate.supports == [offered["G43.90"].best]
    assert reading.table.lower[offered["G43.90"].first_token] == "migraine"
