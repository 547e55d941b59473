"""Numbers of words: each is looked at once, and a numbering that grew too long is left for a new one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggester.pipeline import numbering as numbers_of_words
from suggester.pipeline import tokenizer
from suggester.pipeline.numbering import ByPair, ByWord, Numbering
from suggester.pipeline.tokenizer import cut


@given(st.lists(st.text(max_size=3), max_size=30), st.lists(st.text(max_size=3), max_size=30))
def test_what_is_said_of_words_is_what_the_function_says(first: list[str], second: list[str]) -> None:
    asked: list[str] = []

    def length(word: str) -> int:
        asked.append(word)
        return len(word)

    by_word, numbering = ByWord(length, np.int8), Numbering()
    for words in (first, second):
        numbers = np.array([numbering.number(word) for word in words], dtype=np.int32)
        assert by_word.of(numbering, numbers).tolist() == [len(word) for word in words]
    assert sorted(asked) == sorted({*first, *second})


def test_numbers_of_another_numbering_are_not_mixed_up() -> None:
    by_word = ByWord(len)
    for words in (["a", "bb"], ["ccc", "dddd"], ["a", "bb"]):
        numbering = Numbering()
        numbers = np.array([numbering.number(word) for word in words], dtype=np.int32)
        assert by_word.of(numbering, numbers).tolist() == [len(word) for word in words]


@pytest.mark.parametrize("places", [1, 2, 1 << 16])
@given(notes=st.lists(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=9), max_size=4))
def test_what_is_said_of_pairs_is_what_the_function_says(places: int, notes: list[list[str]]) -> None:
    def say(word: str, after: str | None) -> int:
        return len(word) + (4 if after == "a" else 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers_of_words, "_PLACES", places)
        by_pair, numbering = ByPair(say), Numbering()
        for words in notes:
            numbers = np.array([numbering.number(word) for word in words], dtype=np.int32)
            at = np.arange(0, len(words), 2)
            expected = [say(word, after) for word, after in zip(words, [*words, None][1:], strict=True)]
            assert by_pair.of(numbering, numbers, at).tolist() == expected[::2]


def test_a_numbering_grows_until_a_note_begins_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_KNOWN", tokenizer._Stretches())
    monkeypatch.setattr(tokenizer, "_NUMBERED", 4)
    first, second, third = (cut(text)[0] for text in ("One, two", "two three one four", "four one"))
    assert first.numbering is second.numbering is not third.numbering
    for table in (first, second, third):
        words = table.numbering.words
        assert [words[number] for number in table.numbers] == table.lower
        assert [words[number] for number in table.said_numbers] == table.said
