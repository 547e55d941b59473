"""Words around a word that vote on its assertion."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from suggester.errors import ModelError
from suggester.pipeline import COMPONENTS
from suggester.pipeline.asserted import AssertionTable
from suggester.pipeline.assertion import AssertionComponent, assertion_table
from suggester.pipeline.sentences import sentence_table
from suggester.pipeline.tokenizer import ClinicalTokenizer, token_table
from suggester.pipeline.vote import (
    FLAGS,
    NEAR,
    NUMBER,
    REACH,
    SLOTS,
    WIDTH,
    YEAR,
    Vote,
    key_of,
    stretches,
)

HISTORICAL = 4
WORDS = ("long", "back", "fever", "-itis", NUMBER)


def _vote(**weights: int) -> Vote:
    """A vote in which some slots of some words speak for historical: ``long__before=300``."""
    table = np.zeros((len(WORDS), len(SLOTS), len(FLAGS)), dtype=np.int16)
    for name, weight in weights.items():
        word, _, slot = name.partition("__")
        table[{"ending": 3, "number": 4}.get(word) or WORDS.index(word), SLOTS.index(slot), 0] = weight
    zeros = np.zeros(len(FLAGS), dtype=np.int32)
    return Vote.of(WORDS, table, bias=zeros - 1, least=zeros + 100)


@cache
def _component() -> AssertionComponent:
    return AssertionComponent(voting=False)


def _read(text: str, vote: Vote) -> tuple[list[str], AssertionTable]:
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in COMPONENTS[:2]:
        nlp.add_pipe(name)
    doc = nlp(text)
    finder = _component().finder
    finder.vote = vote
    table = finder.match(token_table(doc), sentence_table(doc), None)
    words = [token.text for token in doc if table.flags[token.i] & HISTORICAL]
    return words, table


def test_word_before_and_behind_speak_where_they_have_weight() -> None:
    assert _read("long gout", _vote(long__before=101))[0] == ["gout"]
    assert _read("gout long", _vote(long__before=101))[0] == []
    assert _read("gout long", _vote(long__behind=101))[0] == ["gout"]


def test_distance_counts_up_to_the_third_word() -> None:
    vote = _vote(long__before3=101)
    assert _read("long a b gout d", vote)[0] == ["gout"]
    assert _read("long gout", vote)[0] == []


def test_reach_ends_after_twelve_words_and_at_sentence_and_semicolon() -> None:
    vote = _vote(long__before=101)
    filled = "long" + " and" * (REACH + 3)
    assert len(_read(filled, vote)[0]) == REACH
    assert _read("long. Gout", vote)[0] == []
    assert _read("long; gout", vote)[0] == []


def test_ending_speaks_for_unknown_and_known_words() -> None:
    vote = Vote.of(
        ["arthritis", "-ritis"],
        np.array([[[0] * 3] * 8 + [[60, 0, 0]], [[0] * 3] * 8 + [[50, 0, 0]]], dtype=np.int16),
        bias=np.zeros(3, dtype=np.int32),
        least=np.array([100, 100, 100], dtype=np.int32),
    )
    assert _read("had arthritis", vote)[0] == ["arthritis"]  # 60 of its own and 50 of its ending
    assert _read("had gastritis", vote)[0] == []
    assert vote.rows["gastritis"] == 1
    assert vote.rows["gout"] == 2


def test_numbers_and_years_share_a_key() -> None:
    assert key_of("1998") == key_of("2010s") == YEAR
    assert key_of("12") == key_of("3000") == key_of("7th") == NUMBER
    assert key_of("gout") == "gout"


def test_cue_that_stands_keeps_its_flag_and_the_vote_is_silent() -> None:
    words, table = _read("long no gout", _vote(long__before=101))
    assert "gout" not in words
    assert [scope.rule for scope in table.scopes if scope.rule.endswith("vote") and scope.start == 2] == []


def test_words_side_by_side_are_one_scope_with_the_loudest_word_as_cue() -> None:
    _, table = _read("back long acute gout", _vote(long__before=80, back__before=30))
    scope = next(scope for scope in table.scopes if scope.rule == "hist.vote")
    assert (scope.start, scope.end, scope.cue_start, scope.cue_end) == (2, 4, 1, 2)
    (cue,) = table.at(2, 4).cues
    assert (cue.flag, cue.text, cue.rule_id) == ("historical", "long", "hist.vote")


def test_word_that_stands_alone_has_no_cue_and_no_flag() -> None:
    assert _read("fever", _vote(fever__self=300))[0] == []


@given(
    st.lists(st.sampled_from(["long", "back", "fever", "x", ".", ";", "3"]), max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_sums_are_those_of_the_slots_one_by_one(said: list[str], seed: int) -> None:
    shape = len(WORDS), len(SLOTS), len(FLAGS)
    weights = np.random.default_rng(seed).integers(-2000, 2000, size=shape).astype(np.int16)
    zeros = np.zeros(len(FLAGS), dtype=np.int32)
    vote = Vote.of(WORDS, weights, bias=zeros, least=zeros)
    ids = [vote.rows[word] for word in said]
    empty = [len(WORDS)] * REACH
    sums = vote.sums([*empty, *ids, *empty])
    table = np.concatenate([weights, np.zeros_like(weights[:1])]).astype(int)
    for at in range(len(ids)):
        expected = table[ids[at], -1].copy()
        for place in range(max(0, at - REACH), min(len(ids), at + REACH + 1)):
            distance, behind = abs(place - at), int(place > at)
            if distance:
                expected += table[ids[place], behind]
                if distance <= NEAR:
                    expected += table[ids[place], 1 + distance + NEAR * behind]
        got = [
            (int(sums[at]) >> WIDTH * flag) % (1 << WIDTH) - (1 << WIDTH - 1) for flag in range(len(FLAGS))
        ]
        assert got == expected.tolist()


def test_stretches_end_with_sentences_and_semicolons() -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in COMPONENTS[:2]:
        nlp.add_pipe(name)
    doc = nlp("Had gout; no pain.  Well now.")
    table = token_table(doc)
    bounds = stretches(table, sentence_table(doc))
    parts = [" ".join(table.said[a:b]) for a, b in pairwise(bounds)]
    assert parts == ["had gout ;", "no pain .", "well now ."]


def test_shipped_weights_read_a_past_that_no_cue_tells() -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer = ClinicalTokenizer(nlp.vocab)
    for name in COMPONENTS:
        nlp.add_pipe(name)
    found = assertion_table(nlp("Shingles troubled her one winter.")).at(0, 1)
    assert found.historical
    assert [cue.rule_id for cue in found.cues] == ["hist.vote"]


def test_weights_of_another_hash_are_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text('{"sha256": "0"}')
    (tmp_path / "vote.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match="hash"):
        Vote.load(tmp_path)
