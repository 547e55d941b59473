"""Which matches lie inside heavier ones: the fast way against every pair."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suggester.pipeline.matching import heaviest_around

STRETCHES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(1, 9), st.booleans()), max_size=40
)


@given(STRETCHES)
def test_the_heaviest_around_is_that_of_every_pair(stretches: list[tuple[int, int, int, bool]]) -> None:
    first = np.array([begin for begin, *_ in stretches], dtype=np.int32)
    final = np.array([begin + width for begin, width, *_ in stretches], dtype=np.int32)
    weight = np.array([weight for *_, weight, _ in stretches], dtype=np.float32)
    chosen = np.array([mark for *_, mark in stretches], dtype=np.bool_)
    slow = [
        max(
            (
                weight_
                for begin_, width_, weight_, mark in stretches
                if mark and begin_ <= begin and begin_ + width_ >= begin + width
            ),
            default=0,
        )
        for begin, width, *_ in stretches
    ]
    assert heaviest_around(first, final, weight, chosen).tolist() == slow
