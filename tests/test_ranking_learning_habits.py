"""Habits and mentions against counts made by hand, and against a slow, obvious version."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from suggester.ranking.learning.associations import Associations
from suggester.ranking.learning.habits import HABIT_NAMES, MENTION_NAMES, Habits, mention_features
from suggester.ranking.learning.phrases import Kind
from suggester.ranking.learning.views import SUPPORT_NAMES, CodeTable

COUGH, FEVER, FEVER_AT_NIGHT = 0, 1, 2
STRONGLY, WEAKLY = 0.9, 0.2


class Table:
    """Three codes: one of one category, two of another."""

    category = np.array([0, 1, 1])

    def __len__(self) -> int:
        return 3


TABLE = cast("CodeTable", Table())


def habits(supports: list[tuple[int, int, float, bool]], gold: list[tuple[int, int]]) -> Habits:
    """Supports are sentence (two a note), code, match score and whether negated; gold is note and code."""
    ordered = sorted(supports)
    values = np.zeros((len(ordered), len(SUPPORT_NAMES)), dtype=np.float32)
    values[:, SUPPORT_NAMES.index("match_score")] = [score for _, _, score, _ in ordered]
    values[:, SUPPORT_NAMES.index("negated")] = [negated for _, _, _, negated in ordered]
    return Habits.count(
        np.array([sentence * 3 + code for sentence, code, _, _ in ordered], dtype=np.int64),
        values,
        np.array([0, 0, 1, 1, 2, 2]),
        np.array([note * 3 + code for note, code in gold], dtype=np.int64),
        TABLE,
    )


def of_code(found: Habits, code: int) -> dict[str, float]:
    return dict(zip(HABIT_NAMES, found.features(TABLE)[code].tolist(), strict=True))


def test_named_and_right_are_counted_by_note() -> None:
    found = habits(
        [
            (0, FEVER, STRONGLY, False),
            (1, FEVER, WEAKLY, False),
            (2, FEVER, WEAKLY, False),
            (4, FEVER, STRONGLY, True),
            (4, FEVER_AT_NIGHT, STRONGLY, False),
        ],
        [(0, FEVER), (2, FEVER)],
    )
    fever = of_code(found, FEVER)
    assert (fever["named_notes"], fever["named_right"]) == (2, 1)
    assert (fever["strongly_named_notes"], fever["strongly_named_right"]) == (1, 1)
    assert fever["named_rate"] == pytest.approx(1.25 / 3)
    assert fever["named_notes_beside"] == 1
    assert fever["named_rate_beside"] == pytest.approx(0.25 / 2)
    at_night = of_code(found, FEVER_AT_NIGHT)
    assert (at_night["named_notes"], at_night["named_right"]) == (1, 0)
    assert at_night["strongly_named_rate_beside"] == pytest.approx(1.25 / 2)
    assert of_code(found, COUGH)["named_notes"] == 0


def test_habits_survive_storing_and_another_release() -> None:
    found = habits([(0, COUGH, STRONGLY, False), (0, FEVER, STRONGLY, False)], [(0, FEVER)])
    again, names = Habits.from_arrays(found.to_arrays(("ICD-10-CM:R05.9", "ICD-10-CM:R50.9")))
    assert names == ("ICD-10-CM:R05.9", "ICD-10-CM:R50.9")
    assert np.array_equal(again.renumbered([COUGH, FEVER]).features(TABLE), found.features(TABLE))
    moved = again.renumbered([None, COUGH])
    assert of_code(moved, COUGH)["named_right"] == 1
    assert of_code(moved, FEVER)["named_notes"] == 0
    swapped = again.renumbered([FEVER, COUGH])
    assert swapped.code.tolist() == [COUGH, FEVER]
    assert of_code(swapped, COUGH)["named_right"] == 1


def associations(rows: list[tuple[set[int], bool]], phrases: int) -> Associations:
    """Sentences as sets of phrases, and whether the one code there is was given."""
    left = np.zeros((len(rows), phrases), dtype=np.float32)
    for number, (held, _) in enumerate(rows):
        left[number, list(held)] = 1
    right = np.array([[coded] for _, coded in rows], dtype=np.float32)
    kinds = np.array([(Kind.WORD, Kind.PAIR)[i % 2] for i in range(phrases)], dtype=np.int8)
    return Associations.fit(
        csr_matrix(left), csr_matrix(right), right.sum(axis=0), kind=kinds, notes=len(rows)
    )


def mentions(
    counts: Associations, placed: list[tuple[int, int, int, int]], asked: list[tuple[int, int, int]]
) -> list[dict[str, float]]:
    """Phrases are sentence, column, first and last token; mentions are sentence, first and last token."""
    ordered = sorted(placed)
    found = mention_features(
        counts,
        row=np.array([p[0] for p in ordered], dtype=np.int64),
        column=np.array([p[1] for p in ordered], dtype=np.int64),
        span=np.array([p[2:] for p in ordered], dtype=np.int32).reshape(-1, 2),
        sentence=np.array([a[0] for a in asked], dtype=np.int64),
        words=np.array([a[1:] for a in asked], dtype=np.int64).reshape(-1, 2),
    )
    return [dict(zip(MENTION_NAMES, values, strict=True)) for values in found.tolist()]


def test_words_that_stood_without_a_code_say_so() -> None:
    counts = associations([({0, 1}, False)] * 9 + [({2}, True)] * 3, phrases=3)
    idle, coded, nothing = mentions(
        counts, [(0, 0, 4, 4), (0, 1, 4, 5), (1, 2, 0, 0)], [(0, 4, 5), (1, 0, 3), (1, -1, -1)]
    )
    assert idle["words_fewest"] == idle["words_phrase_count"] == 9
    assert idle["words_coded"] == pytest.approx(0.03)
    assert coded["words_coded"] == pytest.approx(3.3 / 4)
    assert coded["words_one_code"] == pytest.approx(0.75)
    assert coded["words_phrase_count"] == 0
    assert all(np.isnan(value) for value in nothing.values())


def test_what_stood_once_without_a_code_is_as_good_as_unknown() -> None:
    counts = associations([({0}, False), ({1}, True)], phrases=3)
    small, stay = counts.compact()
    assert stay.tolist() == [1]
    once, never, unknown = mentions(
        counts, [(0, 0, 0, 0), (1, 2, 0, 0), (2, -1, 0, 0)], [(i, 0, 0) for i in range(3)]
    )
    assert once == never == unknown
    assert mentions(small, [(0, 0, 0, 0)], [(0, 0, 0)]) == mentions(counts, [(0, 1, 0, 0)], [(0, 0, 0)])


def test_a_mention_without_phrases_says_nothing() -> None:
    counts = associations([({0}, True)], phrases=1)
    assert np.isnan(mentions(counts, [(0, 0, 3, 3)], [(0, 1, 2)])[0]["words_coded"])
    assert mentions(counts, [], []) == []


places = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-1, 3), st.integers(0, 4), st.integers(0, 2)),
    min_size=1,
    max_size=9,
)


@given(
    places,
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=5),
)
def test_mentions_are_those_of_a_slow_count(
    placed: list[tuple[int, int, int, int]], asked: list[tuple[int, int, int]]
) -> None:
    counts = associations([({0, 1}, True), ({0, 2}, False), ({0, 2}, False), ({3}, True)], phrases=4)
    given_places = [(row, column, first, first + length) for row, column, first, length in placed]
    wanted = [(sentence, first, first + length) for sentence, first, length in asked]
    for found, (sentence, first, final) in zip(mentions(counts, given_places, wanted), wanted, strict=True):
        inside = [p[1] for p in given_places if p[0] == sentence and first <= p[2] and p[3] <= final]
        if not inside:
            assert np.isnan(found["words_coded"])
            continue
        count = [float(counts.count[c]) if c >= 0 else 0.0 for c in inside]
        rate = [
            ((float(counts.coded[c]) if c >= 0 else 0.0) + 0.3) / (n + 1)
            for c, n in zip(inside, count, strict=True)
        ]
        assert found["words_fewest"] == pytest.approx(min(count))
        assert found["words_most_coded"] == pytest.approx(max(rate))
        assert found["words_least_coded"] == pytest.approx(min(rate))
