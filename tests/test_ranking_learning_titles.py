"""Words of titles against a slow, obvious version."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from engine_world import bench_of
from hypothesis import given
from hypothesis import strategies as st

from suggester.codesets import Catalog
from suggester.ranking.learning.phrases import Kind, PhraseReader, Phrases, family_key
from suggester.ranking.learning.titles import TITLE_NAMES, TitleWords, title_features

RENAL, MASS, LEFT, CALCIFICATION = (family_key(word) for word in ("renal", "mass", "left", "calcification"))
KIDNEY = ((RENAL, 5.0), (MASS, 3.0))
"""Words of a title with their rarity."""


def phrases(words: list[tuple[int, int, int]]) -> Phrases:
    """A note of single words, given as sentence, token and key."""
    once: dict[tuple[int, int], int] = {}
    for sentence, place, key in words:
        once.setdefault((sentence, key), place)
    kept = sorted(once)
    token = np.array([once[pair] for pair in kept], dtype=np.int32)
    return Phrases(
        key=np.array([key for _, key in kept], dtype=np.uint64),
        kind=np.full(len(kept), Kind.WORD, dtype=np.int8),
        sentence=np.array([sentence for sentence, _ in kept], dtype=np.int32),
        first=token,
        final=token,
        negated=np.zeros(len(kept), dtype=np.bool_),
    )


def features(
    title: tuple[tuple[int, float], ...],
    words: list[tuple[int, int, int]],
    *,
    sentence: int = 0,
    span: tuple[int, int] = (0, 0),
    vague: bool = False,
) -> dict[str, float]:
    found = title_features(
        [
            (np.array([k for k, _ in title], dtype=np.uint64), np.array([w for _, w in title]), vague),
            (np.zeros(0, dtype=np.uint64), np.zeros(0), False),
        ],
        np.array([0, 1]),
        np.array([sentence, sentence]),
        np.array([span, span], dtype=np.int32),
        phrases(words),
    )
    assert np.isnan(found[1]).all()
    return dict(zip(TITLE_NAMES, found[0].tolist(), strict=True))


def test_by_hand() -> None:
    found = features(KIDNEY, [(0, 0, RENAL), (0, 1, LEFT), (1, 2, MASS)], vague=True)
    assert found["title_in_sentence"] == pytest.approx(5 / 8)
    assert found["title_in_words"] == pytest.approx(5 / 8)
    assert found["title_in_note"] == 1
    assert (found["title_found"], found["title_missing"], found["title_vague"]) == (8, 0, 1)
    elsewhere = features(KIDNEY, [(0, 0, RENAL), (0, 1, LEFT)], sentence=1)
    assert elsewhere["title_in_sentence"] == elsewhere["title_in_words"] == 0
    assert (elsewhere["title_found"], elsewhere["title_missing"], elsewhere["title_vague"]) == (5, 3, 0)


def test_a_note_without_words_holds_nothing() -> None:
    found = features(KIDNEY, [])
    assert found["title_in_note"] == found["title_in_words"] == 0
    assert found["title_missing"] == 8


def test_titles_that_are_not_known_say_nothing() -> None:
    nothing = (np.zeros(0, dtype=np.uint64), np.zeros(0), False)
    found = title_features(
        [nothing], np.array([0]), np.array([0]), np.zeros((1, 2), dtype=np.int32), phrases([(0, 0, MASS)])
    )
    assert found.shape == (1, len(TITLE_NAMES))
    assert np.isnan(found).all()


WORDS = (RENAL, MASS, LEFT, CALCIFICATION)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(WORDS)), max_size=12),
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from((1.0, 2.5))), min_size=1, max_size=4),
    st.integers(0, 2),
    st.tuples(st.integers(0, 11), st.integers(0, 11)),
)
def test_as_a_slow_version(
    said: list[tuple[int, int]], title: list[tuple[int, float]], sentence: int, span: tuple[int, int]
) -> None:
    words = [(place, token, key) for token, (place, key) in enumerate(sorted(said))]
    first: dict[int, int] = {}
    for place, token, key in words:
        if place == sentence:
            first.setdefault(key, token)
    weights = dict(title)
    total = sum(weights.values())
    found = features(tuple(weights.items()), words, sentence=sentence, span=span)
    assert found["title_in_sentence"] == pytest.approx(
        sum(w for k, w in weights.items() if k in first) / total
    )
    assert found["title_in_words"] == pytest.approx(
        sum(w for k, w in weights.items() if k in first and span[0] <= first[k] <= span[1]) / total
    )
    note = {key for _, _, key in words}
    assert found["title_found"] == pytest.approx(sum(w for k, w in weights.items() if k in note))


def test_words_of_a_title_are_those_that_a_note_holds(catalog: Catalog) -> None:
    bench = bench_of(catalog)
    titles = TitleWords(bench)
    row = bench.releases.store("ICD-10-CM").row("R05.9")
    keys, rarity, vague = titles.of("ICD-10-CM", row)
    assert keys.tolist() == [family_key("cough")]
    assert (rarity >= 1).all()
    assert vague
    assert titles.of("ICD-10-CM", row)[0] is keys
    held = PhraseReader(bench.releases.terms).read(bench.read("He has had a cough for two weeks."))
    assert cast("int", keys[0]) in held.key
